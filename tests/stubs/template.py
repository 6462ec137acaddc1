#!/usr/bin/env python3
"""Resolves a CloudFormation template, as JSON.

usage: template.py FILE [PARAMETER=VALUE...]

Of the functions it knows those that our template needs; pseudo parameters
such as AWS::Region can be given as well.  Fails on anything that it does not
know, and on values that a parameter does not allow.
"""
import json
import re
import sys

import yaml

PSEUDO = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "us-west-2",
    "AWS::StackName": "stack",
}


class Loader(yaml.SafeLoader):
    pass


def construct_function(loader, name, node):
    """!Ref and the like, in their long form."""
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if name == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {name if name in ("Ref", "Condition") else "Fn::" + name: value}


def construct_mapping(loader, node):
    keys = [key.value for key, _ in node.value]
    for key in keys:
        if keys.count(key) > 1:
            sys.exit("%s%s is there twice" % (node.start_mark, key))
    return yaml.SafeLoader.construct_mapping(loader, node, deep=True)


Loader.add_multi_constructor("!", construct_function)
Loader.add_constructor("tag:yaml.org,2002:map", construct_mapping)


def parameters(declared, given):
    values = {name: value for name, value in given.items() if name in PSEUDO}
    for name in given:
        if name not in declared and name not in PSEUDO:
            sys.exit("no parameter %s" % name)
    for name, rules in declared.items():
        if name not in given and "Default" not in rules:
            sys.exit("parameter %s has no value" % name)
        value = str(given.get(name, rules.get("Default")))
        if not (len(value) >= int(rules.get("MinLength", 0))
                and len(value) <= int(rules.get("MaxLength", len(value)))
                and value in rules.get("AllowedValues", [value])
                and re.fullmatch(rules.get("AllowedPattern", ".*"), value)):
            sys.exit("parameter %s cannot be \"%s\"" % (name, value))
        values[name] = value
    return values


class Stack:
    def __init__(self, template, given):
        self.template = template
        self.values = dict(PSEUDO, **parameters(template.get("Parameters", {}), given))

    def condition(self, name):
        return self.resolve(self.template["Conditions"][name])

    def attribute(self, resource, name):
        """Ref (no name) and the attributes of a table."""
        if self.template["Resources"][resource]["Type"] != "AWS::DynamoDB::Table":
            sys.exit("no attributes of %s are known" % resource)
        table = self.resolve(self.template["Resources"][resource]["Properties"]["TableName"])
        arn = self.substitute("arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/" + table)
        return {None: table, "Arn": arn, "StreamArn": arn + "/stream/2025-01-19T12:00:00.000"}[name]

    def ref(self, name):
        return self.values[name] if name in self.values else self.attribute(name, None)

    def substitute(self, text):
        return re.sub(r"\$\{([^}]*)\}",
                      lambda m: self.attribute(*m[1].split(".", 1)) if "." in m[1] else self.ref(m[1]), text)

    def resolve(self, value):
        if isinstance(value, list):
            return [self.resolve(element) for element in value]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            (name, argument), = value.items()
            if name == "Ref":
                return self.ref(argument)
            if name == "Fn::Sub":
                return self.substitute(argument)
            if name == "Fn::GetAtt":
                return self.attribute(*argument)
            if name == "Fn::If":
                return self.resolve(argument[1 if self.condition(argument[0]) else 2])
            if name == "Fn::Equals":
                return self.resolve(argument[0]) == self.resolve(argument[1])
            if name.startswith("Fn::"):
                sys.exit("function %s is not known" % name)
        return {name: self.resolve(member) for name, member in value.items()}


with open(sys.argv[1], encoding="utf-8") as file:
    stack = Stack(yaml.load(file, Loader), dict(argument.split("=", 1) for argument in sys.argv[2:]))
print(json.dumps({section: stack.resolve(stack.template[section]) for section in ("Resources", "Outputs")}))
