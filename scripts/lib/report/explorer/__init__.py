"""The data of the report's explorer: what the page holds so that it can answer questions without any server."""
