"""The pages that people see: the agent's chat, the plug-in on a website, and its settings."""
