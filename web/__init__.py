"""The ASGI side of the app: the gate, sign-in, a few routes, the leads' server, the watch over what runs beside."""
