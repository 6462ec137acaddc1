/*
 * cmz_fdw.c
 *	  The table of contents: what the extension gives to PostgreSQL.
 */
#include "postgres.h"

#include "client/stat.h"
#include "fdw/analyze.h"
#include "fdw/batchpath.h"
#include "fdw/compat.h"
#include "fdw/explain.h"
#include "fdw/import.h"
#include "fdw/modify.h"
#include "fdw/option.h"
#include "fdw/parallel.h"
#include "fdw/path.h"
#include "fdw/progress.h"
#include "fdw/scan.h"
#include "fdw/truncate.h"
#include "fdw/upper.h"
#include "fmgr.h"

PG_MODULE_MAGIC_EXT(.name = "cmz_fdw",.version = "1.0");

void		_PG_init(void);

void
_PG_init(void)
{
	cmz_option_define_gucs();
	cmz_parallel_install_hook();
	cmz_batchpath_install_hook();
	cmz_stat_install();
	cmz_progress_install();
}

PG_FUNCTION_INFO_V1(cmz_fdw_handler);

Datum
cmz_fdw_handler(PG_FUNCTION_ARGS)
{
	FdwRoutine *routine = makeNode(FdwRoutine);

	routine->GetForeignRelSize = cmzGetForeignRelSize;
	routine->GetForeignPaths = cmzGetForeignPaths;
	routine->GetForeignPlan = cmzGetForeignPlan;
	routine->GetForeignUpperPaths = cmzGetForeignUpperPaths;

	routine->BeginForeignScan = cmzBeginForeignScan;
	routine->IterateForeignScan = cmzIterateForeignScan;
	routine->ReScanForeignScan = cmzReScanForeignScan;
	routine->EndForeignScan = cmzEndForeignScan;

	routine->IsForeignRelUpdatable = cmzIsForeignRelUpdatable;
	routine->PlanForeignModify = cmzPlanForeignModify;
	routine->AddForeignUpdateTargets = cmzAddForeignUpdateTargets;
	routine->BeginForeignModify = cmzBeginForeignModify;
	routine->ExecForeignInsert = cmzExecForeignInsert;
	routine->ExecForeignUpdate = cmzExecForeignUpdate;
	routine->ExecForeignDelete = cmzExecForeignDelete;
	routine->EndForeignModify = cmzEndForeignModify;
	routine->BeginForeignInsert = cmzBeginForeignInsert;
	routine->EndForeignInsert = cmzEndForeignInsert;
	routine->GetForeignModifyBatchSize = cmzGetForeignModifyBatchSize;
	routine->ExecForeignBatchInsert = cmzExecForeignBatchInsert;
	routine->ExecForeignTruncate = cmzExecForeignTruncate;

	routine->IsForeignScanParallelSafe = cmzIsForeignScanParallelSafe;
	routine->EstimateDSMForeignScan = cmzEstimateDSMForeignScan;
	routine->InitializeDSMForeignScan = cmzInitializeDSMForeignScan;
	routine->ReInitializeDSMForeignScan = cmzReInitializeDSMForeignScan;
	routine->InitializeWorkerForeignScan = cmzInitializeWorkerForeignScan;
	routine->ShutdownForeignScan = cmzShutdownForeignScan;

	routine->IsForeignPathAsyncCapable = cmzIsForeignPathAsyncCapable;
	routine->ForeignAsyncRequest = cmzForeignAsyncRequest;
	routine->ForeignAsyncConfigureWait = cmzForeignAsyncConfigureWait;
	routine->ForeignAsyncNotify = cmzForeignAsyncNotify;

	routine->ExplainForeignScan = cmzExplainForeignScan;
	routine->ExplainForeignModify = cmzExplainForeignModify;
	routine->AnalyzeForeignTable = cmzAnalyzeForeignTable;
	routine->ImportForeignSchema = cmzImportForeignSchema;

	PG_RETURN_POINTER(routine);
}
