#!/usr/bin/env python3
"""Checks command lines of the AWS CLI against botocore's models.

Reads the arguments after "aws" from its input, each ended by a zero byte, each command by
another one.  Prints a line of JSON for each command: service, op, params (what it would send),
wait (it is a waiter, and op what that asks with), problems.
"""
import functools
import json
import sys

from botocore import xform_name
from botocore.loaders import Loader

from awsstub.models import Model

model_of = functools.cache(Model)
GLOBAL = {"profile", "region", "query", "output", "endpoint-url"}


def shorthand(text, shape):
    """A structure as the CLI takes it: JSON, or Name=value,Name=value."""
    if text[:1] in "{[":
        return json.loads(text)
    members = dict(part.split("=", 1) for part in text.split(","))
    return {name: scalar(value, shape.members[name]) if name in shape.members else value
            for name, value in members.items()}


def scalar(text, shape):
    if text.startswith("file://"):
        with open(text[len("file://"):], encoding="utf-8") as file:
            text = file.read()
    if shape.type_name == "boolean":
        return {"true": True, "false": False}.get(text, text)
    if shape.type_name in ("integer", "long"):
        return int(text)
    return text


def value_of(values, shape):
    if shape.type_name == "list":
        inner = shape.member
        return [shorthand(v, inner) if inner.type_name == "structure" else scalar(v, inner) for v in values]
    if len(values) != 1:
        raise ValueError("takes one value, not %d" % len(values))
    return shorthand(values[0], shape) if shape.type_name == "structure" else scalar(values[0], shape)


def options(arguments, problems):
    """(option, values) in order."""
    found = []
    for argument in arguments:
        if argument.startswith("--"):
            found.append((argument[2:], []))
        elif found:
            found[-1][1].append(argument)
        else:
            problems.append("%s belongs to no option" % argument)
    return found


def params_of(shape, arguments, problems):
    members = {xform_name(name, "-"): name for name in shape.members}
    params = {}
    for option, values in options(arguments, problems):
        negated = option[3:] if option.startswith("no-") else None
        if option in GLOBAL:
            continue
        name = members.get(option) or members.get(negated)
        if name is None:
            problems.append("there is no option --%s" % option)
        elif shape.members[name].type_name == "boolean":
            params[name] = option in members
            if values:
                problems.append("--%s takes no value" % option)
        else:
            try:
                params[name] = value_of(values, shape.members[name])
            except (OSError, ValueError) as error:
                problems.append("--%s: %s" % (option, error))
    return params


def check(service, command, *arguments):
    problems = []
    model = model_of(service)
    waits = command == "wait"
    if waits:
        waiters = Loader().load_service_model(service, "waiters-2")["waiters"]
        waiter = {xform_name(name, "-"): w for name, w in waiters.items()}.get(arguments[0])
        operation, arguments = waiter and waiter["operation"], arguments[1:]
    else:
        operation = {xform_name(name, "-"): name for name in model.operations}.get(command)
    params = {}
    if operation is None:
        problems.append("there is no such command: %s %s" % (service, command))
    else:
        params = params_of(model.input(operation), arguments, problems)
        problems += model.check(operation, params, epochs=False)
    return {"service": service, "op": operation, "wait": waits, "params": params, "problems": problems}


for line in sys.stdin.read().split("\0\0")[:-1]:
    print(json.dumps(check(*line.split("\0"))))
