// A passkey that was not made or not shown (refused, no authenticator, an address without a name) is told beside its button.
document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  const words = document.getElementById("passkey-refused");
  document.getElementById("credential").after(words);
  words.hidden = false;
  words.focus();
});
