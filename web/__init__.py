"""The ASGI side of the app: the gate, the sign-in page, a few routes, and the watch over the worker."""
