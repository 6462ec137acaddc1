"""Random planner settings for one query."""

FLAGS = ["enable_hashjoin", "enable_mergejoin", "enable_nestloop", "enable_sort", "enable_material", "enable_memoize",
         "enable_hashagg", "enable_incremental_sort", "enable_async_append", "enable_parallel_append",
         "enable_parallel_hash"]
# without these, a batched join is what is left
JOINS = ["enable_hashjoin", "enable_mergejoin", "enable_nestloop"]
OFF_BY_DEFAULT = ["enable_partitionwise_join", "enable_partitionwise_aggregate"]
ZONES = ["UTC", "Asia/Tokyo", "America/New_York"]
FORCE_PARALLEL = {True: "debug_parallel_query", False: "force_parallel_mode"}


def choose(rng, version):
    """A list of (name, value)."""
    chosen = [(flag, "off") for flag in FLAGS if rng.random() < .12]
    chosen += [(flag, "on") for flag in OFF_BY_DEFAULT if rng.random() < .4]
    if rng.random() < .25:
        chosen += [(flag, "off") for flag in JOINS]
        if rng.random() < .5:
            chosen.append(("work_mem", "64kB"))
    elif rng.random() < .2:
        chosen.append(("cmz_fdw.enable_batched_join", "off"))
    if rng.random() < .35:
        chosen += [("max_parallel_workers_per_gather", "2"), ("parallel_setup_cost", "0"), ("parallel_tuple_cost", "0"),
                   ("min_parallel_table_scan_size", "0")]
        if rng.random() < .15:
            chosen.append((FORCE_PARALLEL[version >= 160000], "on"))
    else:
        chosen.append(("max_parallel_workers_per_gather", "0"))
    if rng.random() < .2:
        chosen.append(("random_page_cost", rng.choice(["0.1", "1", "100"])))
    if rng.random() < .2:
        chosen.append(("cpu_tuple_cost", rng.choice(["0", "10"])))
    if rng.random() < .1 and ("work_mem", "64kB") not in chosen:
        chosen.append(("work_mem", "64kB"))
    if rng.random() < .2:
        chosen.append(("cursor_tuple_fraction", rng.choice(["0.0001", "1"])))
    # costs like these would make nearly every query worth compiling
    chosen.append(("jit", "on" if rng.random() < .01 else "off"))
    chosen.append(("timezone", rng.choice(ZONES)))
    return chosen


def as_sql(settings):
    return "".join("SET LOCAL %s = '%s';" % pair for pair in settings)
