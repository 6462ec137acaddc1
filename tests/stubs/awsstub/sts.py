"""STS."""
from .query import Query
from .state import iso, state


class STS(Query):
    def __init__(self):
        super().__init__("sts", "sts", {"AssumeRole", "AssumeRoleWithWebIdentity"})

    def answer(self, request):
        given = state.issue("sts")
        session = request.params["RoleSessionName"]
        role = request.params["RoleArn"].split("/")[-1]
        result = {
            "Credentials": {
                "AccessKeyId": given["access_key_id"], "SecretAccessKey": given["secret_access_key"],
                "SessionToken": given["session_token"], "Expiration": iso(given["expiration"])},
            "AssumedRoleUser": {
                "AssumedRoleId": "AROASTUBSTUBSTUBSTUB:" + session,
                "Arn": "arn:aws:sts::123456789012:assumed-role/%s/%s" % (role, session)}}
        if request.op == "AssumeRoleWithWebIdentity":
            result.update(SubjectFromWebIdentityToken="system:serviceaccount:default:stub",
                          Audience="sts.amazonaws.com", Provider="arn:aws:iam::123456789012:oidc-provider/stub")
        return self.result(request.op, result)
