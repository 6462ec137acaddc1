"""The AWS services that DynamoDB Local does not have; see aws.py."""
