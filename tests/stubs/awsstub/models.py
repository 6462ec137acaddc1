"""Requests against botocore's models of the services."""
import base64
import binascii
import re

from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

# What the API got after the oldest botocore we run with: members by shape,
# and the shapes that it lacks.
LATER = {"dynamodb": {
    "PointInTimeRecoverySpecification": {"RecoveryPeriodInDays": "RecoveryPeriodInDays"},
    "CreateTableInput": {"DeletionProtectionEnabled": "BooleanObject", "OnDemandThroughput": "OnDemandThroughput"},
    "UpdateTableInput": {"DeletionProtectionEnabled": "BooleanObject", "OnDemandThroughput": "OnDemandThroughput"},
    "GlobalSecondaryIndex": {"OnDemandThroughput": "OnDemandThroughput"},
    "CreateGlobalSecondaryIndexAction": {"OnDemandThroughput": "OnDemandThroughput"},
    "PutItemInput": {"ReturnValuesOnConditionCheckFailure": "ReturnValuesOnConditionCheckFailure"},
    "UpdateItemInput": {"ReturnValuesOnConditionCheckFailure": "ReturnValuesOnConditionCheckFailure"},
    "DeleteItemInput": {"ReturnValuesOnConditionCheckFailure": "ReturnValuesOnConditionCheckFailure"},
}}
LATER_SHAPES = {"dynamodb": {
    "RecoveryPeriodInDays": {"type": "integer", "min": 1, "max": 35},
    "OnDemandThroughput": {"type": "structure", "members": {
        "MaxReadRequestUnits": {"shape": "LongObject"}, "MaxWriteRequestUnits": {"shape": "LongObject"}}},
}}
# Older models lack the marks.
UNSIGNED = {"AssumeRoleWithWebIdentity", "GetRoleCredentials"}
UNIONS = {"AttributeValue"}
ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def python_pattern(pattern):
    """A pattern of the model, which is one of Java, or None if Python has no such thing."""
    pattern = pattern.replace("\\u10000-\\u10FFFF", "\\U00010000-\\U0010FFFF")
    pattern = pattern.replace("\\p{L}\\p{Z}\\p{N}", "\\w\\s")
    try:
        return re.compile(pattern)
    except re.error:
        return None


class Model:
    def __init__(self, name):
        description = Loader().load_service_model(name, "service-2")
        self.shapes = description["shapes"]
        for shape, members in LATER.get(name, {}).items():
            for member, of in members.items():
                self.shapes[shape]["members"].setdefault(member, {"shape": of})
        for shape, definition in LATER_SHAPES.get(name, {}).items():
            self.shapes.setdefault(shape, definition)
        self.service = ServiceModel(description, name)
        self.metadata = self.service.metadata
        self.signing_name = self.service.signing_name
        self.operations = set(self.service.operation_names)

    def input(self, operation):
        return self.service.operation_model(operation).input_shape

    def check(self, operation, params, epochs):
        """What is wrong with the parameters; epochs says that timestamps are numbers."""
        shape = self.input(operation)
        if shape is None:
            return ["%s takes no parameters" % operation] if params else []
        report = ParamValidator().validate(params, shape)
        problems = report.generate_report().splitlines() if report.has_errors() else []
        self.walk(params, shape, shape.name, epochs, problems)
        return problems

    def walk(self, value, shape, where, epochs, problems):
        """What botocore leaves to the service: patterns, enums, maxima, and the form of scalars."""
        kind = shape.type_name
        if kind == "structure" and isinstance(value, dict):
            if shape.name in UNIONS and len(value) != 1:
                problems.append("%s has %d members" % (where, len(value)))
            for name, member in value.items():
                if name in shape.members:
                    self.walk(member, shape.members[name], where + "." + name, epochs, problems)
        elif kind == "list" and isinstance(value, list):
            for i, member in enumerate(value):
                self.walk(member, shape.member, "%s[%d]" % (where, i), epochs, problems)
        elif kind == "map" and isinstance(value, dict):
            for name, member in value.items():
                self.walk(name, shape.key, "%s key %s" % (where, name), epochs, problems)
                self.walk(member, shape.value, where + "." + name, epochs, problems)
        problem = self.flaw(value, shape, epochs)
        if problem:
            problems.append("%s: %s" % (where, problem))

    def flaw(self, value, shape, epochs):
        kind, raw = shape.type_name, self.shapes.get(shape.name, {})
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if kind in ("integer", "long", "float", "double") and isinstance(value, bool):
            return "a boolean is not a number"
        if kind == "timestamp":
            if epochs and not number:
                return "%r is not a number of seconds" % value
            if not epochs and not ISO.fullmatch(str(value)):
                return "%r is not a time in UTC" % value
        if kind == "blob" and isinstance(value, str):
            try:
                base64.b64decode(value, validate=True)
            except binascii.Error:
                return "%r is not base64" % value
        if kind == "string" and isinstance(value, str):
            if raw.get("enum") and value not in raw["enum"]:
                return "%r is none of %s" % (value, ", ".join(raw["enum"]))
            pattern = python_pattern(raw.get("pattern", "(?s).*"))
            if pattern and not pattern.fullmatch(value):
                return "%r does not match %s" % (value, raw["pattern"])
        if "max" in raw:
            size = value if number else len(value) if isinstance(value, (str, list, dict)) else 0
            if size > raw["max"]:
                return "%s is above the maximum of %s" % (size, raw["max"])
        return None
