"""KMS: DescribeKey."""
import time

from .jsonrpc import Json
from .message import Refused
from .state import state

ARN = "arn:aws:kms:us-west-2:123456789012:key/abc"


class KMS(Json):
    def __init__(self):
        super().__init__("kms", "kms", {"DescribeKey"})

    def answer(self, request):
        arn = state.of("kms").get("arn", ARN)
        if arn is None:
            raise Refused(400, "NotFoundException", "Key '%s' does not exist" % request.params["KeyId"])
        return self.result({"KeyMetadata": {
            "AWSAccountId": arn.split(":")[4], "Arn": arn, "KeyId": arn.split("/")[-1],
            "CreationDate": round(time.time(), 3), "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT", "Description": "",
            "Enabled": True, "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"], "KeyManager": "CUSTOMER",
            "KeySpec": "SYMMETRIC_DEFAULT", "KeyState": "Enabled", "KeyUsage": "ENCRYPT_DECRYPT",
            "MultiRegion": False, "Origin": "AWS_KMS", **state.of("kms").get("metadata", {})}})
