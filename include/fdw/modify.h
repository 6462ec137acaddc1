/*
 * modify.h
 *	  Executes INSERT, UPDATE, DELETE and COPY on a foreign table.
 */
#ifndef CMZ_MODIFY_H
#define CMZ_MODIFY_H

#include "fdw/compat.h"
#include "foreign/fdwapi.h"

extern int	cmzIsForeignRelUpdatable(Relation rel);
extern void cmzAddForeignUpdateTargets(PlannerInfo *root, Index rtindex,
									   RangeTblEntry *target_rte, Relation target_relation);
extern List *cmzPlanForeignModify(PlannerInfo *root, ModifyTable *plan, Index rti, int subplan);
extern void cmzBeginForeignModify(ModifyTableState *mtstate, ResultRelInfo *rinfo,
								  List *fdw_private, int subplan, int eflags);
extern void cmzBeginForeignInsert(ModifyTableState *mtstate, ResultRelInfo *rinfo);
extern int	cmzGetForeignModifyBatchSize(ResultRelInfo *rinfo);
extern TupleTableSlot *cmzExecForeignInsert(EState *estate, ResultRelInfo *rinfo,
											TupleTableSlot *slot, TupleTableSlot *plan_slot);
extern TupleTableSlot **cmzExecForeignBatchInsert(EState *estate, ResultRelInfo *rinfo,
												  TupleTableSlot **slots,
												  TupleTableSlot **plan_slots, int *nslots);
extern TupleTableSlot *cmzExecForeignUpdate(EState *estate, ResultRelInfo *rinfo,
											TupleTableSlot *slot, TupleTableSlot *plan_slot);
extern TupleTableSlot *cmzExecForeignDelete(EState *estate, ResultRelInfo *rinfo,
											TupleTableSlot *slot, TupleTableSlot *plan_slot);
extern void cmzEndForeignModify(EState *estate, ResultRelInfo *rinfo);
extern void cmzEndForeignInsert(EState *estate, ResultRelInfo *rinfo);

#endif							/* CMZ_MODIFY_H */
