/*
 * compat.h
 *	  What differs between PostgreSQL majors.
 *
 * With client/compat.h the only place that tests PG_VERSION_NUM.
 */
#ifndef CMZ_FDW_COMPAT_H
#define CMZ_FDW_COMPAT_H

#include "client/compat.h"

#include "access/stratnum.h"
#include "catalog/pg_class.h"
#include "catalog/pg_foreign_server.h"
#include "commands/vacuum.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "nodes/pathnodes.h"
#include "optimizer/pathnode.h"
#include "parser/parsetree.h"
#include "utils/acl.h"

#if PG_VERSION_NUM >= 180000
#include "commands/explain_format.h"
#include "commands/explain_state.h"
#else
#include "commands/explain.h"
#endif

/* PG 17 added fdw_restrictinfo, PG 18 added disabled_nodes. */
static inline ForeignPath *
cmz_create_foreignscan_path(PlannerInfo *root, RelOptInfo *rel, double rows,
							Cost startup_cost, Cost total_cost,
							List *pathkeys, Relids required_outer, List *fdw_private)
{
#if PG_VERSION_NUM >= 180000
	return create_foreignscan_path(root, rel, NULL, rows, 0, startup_cost, total_cost,
								   pathkeys, required_outer, NULL, NIL, fdw_private);
#elif PG_VERSION_NUM >= 170000
	return create_foreignscan_path(root, rel, NULL, rows, startup_cost, total_cost,
								   pathkeys, required_outer, NULL, NIL, fdw_private);
#else
	return create_foreignscan_path(root, rel, NULL, rows, startup_cost, total_cost,
								   pathkeys, required_outer, NULL, fdw_private);
#endif
}

/* The same for an upper relation. */
static inline ForeignPath *
cmz_create_foreign_upper_path(PlannerInfo *root, RelOptInfo *rel, PathTarget *target, double rows,
							  Cost startup_cost, Cost total_cost, List *pathkeys,
							  List *fdw_private)
{
#if PG_VERSION_NUM >= 180000
	return create_foreign_upper_path(root, rel, target, rows, 0, startup_cost, total_cost,
									 pathkeys, NULL, NIL, fdw_private);
#elif PG_VERSION_NUM >= 170000
	return create_foreign_upper_path(root, rel, target, rows, startup_cost, total_cost,
									 pathkeys, NULL, NIL, fdw_private);
#else
	return create_foreign_upper_path(root, rel, target, rows, startup_cost, total_cost,
									 pathkeys, NULL, fdw_private);
#endif
}

/* PG 18 replaced the strategy of a path key by what it means in any access method. */
static inline bool
cmz_pathkey_is_descending(const PathKey *pathkey)
{
#if PG_VERSION_NUM >= 180000
	return pathkey->pk_cmptype == COMPARE_GT;
#else
	return pathkey->pk_strategy == BTGreaterStrategyNumber;
#endif
}

/* PG 18 counts the nodes of a path that settings disable. */
static inline void
cmz_copy_disabled_nodes(Path *to, const Path *from)
{
#if PG_VERSION_NUM >= 180000
	to->disabled_nodes = from->disabled_nodes;
#else
	(void) to;
	(void) from;
#endif
}

/* PG 16 marks in a column's reference which outer joins may have made it NULL. */
static inline void
cmz_copy_nulling(Var *to, const Var *from)
{
#if PG_VERSION_NUM >= 160000
	to->varnullingrels = bms_copy(from->varnullingrels);
#else
	(void) to;
	(void) from;
#endif
}

/* The range table entry of the one table that a scan reads. */
static inline RangeTblEntry *
cmz_scan_rte(ForeignScanState *node)
{
	ForeignScan *scan = (ForeignScan *) node->ss.ps.plan;

	/* fs_relids: of an upper relation too */
	return exec_rt_fetch(bms_next_member(scan->fs_relids, -1), node->ss.ps.state);
}

static inline Oid
cmz_scan_relid(ForeignScanState *node)
{
	return cmz_scan_rte(node)->relid;
}

/* The user whose mapping a scan uses. */
static inline Oid
cmz_scan_user(ForeignScanState *node)
{
#if PG_VERSION_NUM >= 160000
	Oid			userid = ((ForeignScan *) node->ss.ps.plan)->checkAsUser;
#else
	Oid			userid = cmz_scan_rte(node)->checkAsUser;
#endif

	return OidIsValid(userid) ? userid : GetUserId();
}

/* The user whose mapping a modification uses. */
static inline Oid
cmz_modify_user(ResultRelInfo *rinfo, EState *estate)
{
#if PG_VERSION_NUM >= 160000
	Oid			userid = ExecGetResultRelCheckAsUser(rinfo, estate);
#else
	/* a partition that tuples are routed to has the entry of its parent */
	ResultRelInfo *named = rinfo->ri_RootResultRelInfo ? rinfo->ri_RootResultRelInfo : rinfo;
	Oid			userid = InvalidOid;

	if (named->ri_RangeTableIndex > 0)
		userid = exec_rt_fetch(named->ri_RangeTableIndex, estate)->checkAsUser;
#endif
	return OidIsValid(userid) ? userid : GetUserId();
}

/* PG 16 replaced the functions for each catalog by one. */
static inline AclResult
cmz_server_aclcheck(Oid serverid, Oid userid, AclMode mode)
{
#if PG_VERSION_NUM >= 160000
	return object_aclcheck(ForeignServerRelationId, serverid, userid, mode);
#else
	return pg_foreign_server_aclcheck(serverid, userid, mode);
#endif
}

/* PG 18 lets RETURNING show the row as it was, and as it is. */
static inline bool
cmz_var_is_of_version(const Var *var)
{
#if PG_VERSION_NUM >= 180000
	return var->varreturningtype != VAR_RETURNING_DEFAULT;
#else
	return false;
#endif
}

static inline bool
cmz_relation_is_owned(Oid relid, Oid userid)
{
#if PG_VERSION_NUM >= 160000
	return object_ownercheck(RelationRelationId, relid, userid);
#else
	return pg_class_ownercheck(relid, userid);
#endif
}

/* Between rows of ANALYZE: interrupts, and the cost-based delay. */
static inline void
cmz_analyze_delay_point(void)
{
#if PG_VERSION_NUM >= 180000
	vacuum_delay_point(true);
#else
	vacuum_delay_point();
#endif
}

/* PG 15.0 has it under another name only. */
#ifndef MAT_SRF_USE_EXPECTED_DESC
#define InitMaterializedSRF		SetSingleFuncCall
#endif

/* PG 18's module magic carries a name and a version. */
#if PG_VERSION_NUM < 180000
#define PG_MODULE_MAGIC_EXT(...)	PG_MODULE_MAGIC
#endif

#endif							/* CMZ_FDW_COMPAT_H */
