"""The script, the log, and what the services remember of earlier requests."""
import datetime
import email.utils
import threading

UTC = datetime.timezone.utc


class State:
    def __init__(self):
        self.lock = threading.RLock()
        self.upstream = None
        self.log = []
        self.take({})

    def take(self, script):
        """A new script: what is counted starts anew, and with {} also what is remembered."""
        with self.lock:
            self.script = script
            self.failures = [dict(f) for f in script.get("fail", [])]
            self.counts = {}
            if not script:
                self.issued, self.tokens, self.pitr = {}, {}, {}

    def of(self, service):
        return self.script.get(service) or {}

    def count(self, what):
        """How often this was counted before."""
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1
            return self.counts[what] - 1

    def date(self):
        return self.script.get("date") or email.utils.formatdate(usegmt=True)

    def now(self):
        """The time of the server, which the script may have put wrong."""
        if self.script.get("date"):
            return email.utils.parsedate_to_datetime(self.script["date"]).astimezone(UTC)
        return datetime.datetime.now(UTC)

    def delay(self, request):
        delay = self.script.get("delay", 0)
        if isinstance(delay, dict):
            delay = delay.get("%s/%s" % (request.service, request.op), delay.get(request.service, 0))
        return delay

    def failure(self, request):
        """The scripted failure of a request, if there is one."""
        with self.lock:
            for failure in self.failures:
                if (failure.get("service", request.service) == request.service
                        and failure.get("op", request.op) == request.op and failure.get("times", 1) > 0):
                    failure["times"] = failure.get("times", 1) - 1
                    return failure
        return None

    def issue(self, service):
        """Temporary credentials; what is signed with them can be verified later."""
        given = {"access_key_id": "ASIA" + service.upper(), "secret_access_key": service + "s3cret",
                 "session_token": service + "token", "expires_in": 3600, **self.of(service)}
        given["expiration"] = self.now() + datetime.timedelta(seconds=given["expires_in"])
        with self.lock:
            self.issued[given["access_key_id"]] = {"secret": given["secret_access_key"],
                                                   "token": given["session_token"]}
        return given

    def key(self, key_id):
        return self.script.get("keys", {}).get(key_id) or self.issued.get(key_id)


def iso(time):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


state = State()
