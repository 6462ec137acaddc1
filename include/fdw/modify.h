/*
 * modify.h
 *	  Executes INSERT and COPY into a foreign table.
 */
#ifndef CMZ_MODIFY_H
#define CMZ_MODIFY_H

#include "foreign/fdwapi.h"

extern int	cmzIsForeignRelUpdatable(Relation rel);
extern List *cmzPlanForeignModify(PlannerInfo *root, ModifyTable *plan, Index rti, int subplan);
extern void cmzBeginForeignModify(ModifyTableState *mtstate, ResultRelInfo *rinfo,
								  List *fdw_private, int subplan, int eflags);
extern void cmzBeginForeignInsert(ModifyTableState *mtstate, ResultRelInfo *rinfo);
extern TupleTableSlot *cmzExecForeignInsert(EState *estate, ResultRelInfo *rinfo,
											TupleTableSlot *slot, TupleTableSlot *plan_slot);
extern void cmzEndForeignModify(EState *estate, ResultRelInfo *rinfo);
extern void cmzEndForeignInsert(EState *estate, ResultRelInfo *rinfo);

#endif							/* CMZ_MODIFY_H */
