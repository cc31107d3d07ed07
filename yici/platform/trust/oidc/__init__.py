"""The OpenID provider for the city's other systems, on allauth's: discovery, PKCE, pairwise subjects, `acr`."""
