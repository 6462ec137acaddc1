"""What the other modules know of a table: on DynamoDB's side, on PostgreSQL's, and the rows it holds."""
from dataclasses import dataclass, field

ALL = {"ProjectionType": "ALL"}
KEYS_ONLY = {"ProjectionType": "KEYS_ONLY"}


def including(*names):
    return {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(names)}


@dataclass
class Index:
    name: str
    keys: list                      # (attribute, type), one or two
    projection: dict = field(default_factory=lambda: ALL)


@dataclass
class DynamoTable:
    name: str
    keys: list
    items: list
    globals: list = field(default_factory=list)
    locals: list = field(default_factory=list)

    def attribute_types(self):
        types = dict(self.keys)
        for index in self.globals + self.locals:
            types.update(index.keys)
        return types


@dataclass
class Column:
    name: str
    type: str                       # as in CREATE TABLE, without the collation
    collation: str = ""
    options: str = ""
    loose: bool = False             # equal values may look different: not grouped, ordered or aggregated by
    tricky: bool = False            # its values compare in other ways than DynamoDB's: conditions like it
    huge: bool = False              # only its length and digest are selected

    @property
    def base(self):
        return self.type.split("(")[0]

    def definition(self, foreign):
        options = " OPTIONS (%s)" % self.options if foreign and self.options else ""
        collation = ' COLLATE "%s"' % self.collation if self.collation else ""
        return '"%s" %s%s%s' % (self.name, self.type, options, collation)


@dataclass
class Table:
    """A foreign table in schema fdw, and its copy in schema loc."""
    name: str
    dynamo: DynamoTable
    columns: list
    unique: list                    # columns that identify a row
    indexes: list                   # (partition column, sort column or None)
    options: str
    server: str = "fuzz_a"
    partition_of: str = ""          # "parent FOR VALUES ..."
    partition_by: str = ""          # a parent: no foreign table itself
    weight: int = 10                # how often a query reads it
    rows: list = field(default_factory=list)     # samples: dicts of column name to SQL literal

    def column(self, name):
        return next(c for c in self.columns if c.name == name)
