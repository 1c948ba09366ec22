"""What a handler does with its session when the suite asks for it: the operations of the table of requests."""

from urllib.request import urlopen


def perform(session, operation):
    """One operation of a case; its result."""
    match operation:
        case ["get", name]:
            return session.get(name)
        case ["contains", name]:
            return name in session
        case ["keys"]:
            return list(session.keys())
        case ["set", name, value]:
            session[name] = value
        case ["remove", name]:
            session.pop(name, None)
        case ["append", name, value]:
            # In the place, so that the session does not see it.
            if isinstance(there := session.get(name), list):
                there.append(value)
        case ["clear"]:
            session.clear()
        case ["flush"]:
            session.flush()
        case ["cycle-key"]:
            session.cycle_key()
        case ["set-expiry", value]:
            session.set_expiry(value)
        case ["is-empty"]:
            return session.is_empty()
        case ["is-true"]:
            return bool(session)
        case ["save"]:
            session.save()
        case ["delete-elsewhere"]:
            if session.session_key:
                # An object of its own: this one does not learn of it.
                type(session)().delete(session.session_key)
        case ["call", address]:
            # Whoever is behind it plays another request before it answers.
            urlopen(address).close()
        case _:
            raise ValueError(f"no operation is {operation}")
