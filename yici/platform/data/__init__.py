"""The data resource platform. Today: the register of residents and objections to it."""
