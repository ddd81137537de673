BEGIN TRANSACTION;
CREATE TABLE application_versions (
    version_id TEXT NOT NULL PRIMARY KEY,
    version_name TEXT NOT NULL UNIQUE,
    version_timestamp INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000),
    created_at INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000)
, "application_name" TEXT DEFAULT NULL);
INSERT INTO "application_versions" VALUES('18ffc7e7-1514-4a78-a238-6108feb5a7bd','5',1795862970000,1795862970000,'espdeck');
CREATE TABLE dbos_migrations (version INTEGER NOT NULL PRIMARY KEY);
INSERT INTO "dbos_migrations" VALUES(125);
CREATE TABLE notifications (
    message_uuid TEXT NOT NULL DEFAULT (hex(randomblob(16))) PRIMARY KEY,
    destination_uuid TEXT NOT NULL,
    topic TEXT,
    message TEXT NOT NULL,
    created_at_epoch_ms INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000), "serialization" TEXT DEFAULT NULL, "consumed" BOOLEAN NOT NULL DEFAULT FALSE, consumed_by_function_id INTEGER,
    FOREIGN KEY (destination_uuid) REFERENCES workflow_status(workflow_uuid) 
        ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE TABLE "operation_outputs" (
    workflow_uuid TEXT NOT NULL,
    function_id INTEGER NOT NULL,
    function_name TEXT NOT NULL DEFAULT '',
    output TEXT,
    error TEXT,
    child_workflow_id TEXT,
    started_at_epoch_ms INTEGER,
    completed_at_epoch_ms INTEGER,
    serialization TEXT,
    application_name TEXT DEFAULT NULL,
    retention_timestamp INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000),
    PRIMARY KEY (workflow_uuid, function_id)
);
INSERT INTO "operation_outputs" VALUES('d25842fc-b1eb-45ab-bef4-c64b86017dce',1,'plan#1','{"kind": "stage-result", "format": 1, "status": "success", "summary": "cmake for esp32c3, board none, simulator labwired", "findings": [{"severity": "info", "code": "plan.untested", "message": "no board was wanted", "file": null, "line": null, "column": null, "hint": null, "evidence": null}], "patch": "", "usage": [], "output": {"kind": "planned", "value": {"toolchain": "cmake", "manifest": {"expect": ["hello from espdeck"], "timeout": 10.0, "baud": 921600, "unity": true, "build": {"idf": "", "cmake": []}, "eol": "\n", "tests": [], "network": false, "efuse": "", "quality": null}, "boards": [], "simulator": "labwired", "untested": ["no board was wanted"]}}}',NULL,NULL,1795862971863,1795862972065,'espdeck_json','espdeck',1795862972000);
INSERT INTO "operation_outputs" VALUES('27c6ffe1-eb5e-4375-9cb7-e1fa286a2c37',1,'correctness#1','{"kind": "stage-result", "format": 1, "status": "success", "summary": "placeholder: no model was asked", "findings": [], "patch": "", "usage": [{"server": "placeholder", "model": "placeholder", "tokens_in": null, "tokens_out": null, "seconds": 0.0, "cost": null, "cut": false, "left_out": 0, "attempts": 1}], "output": {"kind": "done", "value": {"prose": "[placeholder: no model was asked]\n\nThe question began: # Material\n", "files": [], "patch": null}}}',NULL,NULL,1795862971955,1795862972119,'espdeck_json','espdeck',1795862972000);
INSERT INTO "operation_outputs" VALUES('27c6ffe1-eb5e-4375-9cb7-e1fa286a2c37',2,'design#1','{"kind": "stage-result", "format": 1, "status": "success", "summary": "placeholder: no model was asked", "findings": [], "patch": "", "usage": [{"server": "placeholder", "model": "placeholder", "tokens_in": null, "tokens_out": null, "seconds": 0.0, "cost": null, "cut": false, "left_out": 0, "attempts": 1}], "output": {"kind": "done", "value": {"prose": "[placeholder: no model was asked]\n\nThe question began: # Material\n", "files": [], "patch": null}}}',NULL,NULL,1795862971986,1795862972142,'espdeck_json','espdeck',1795862972000);
INSERT INTO "operation_outputs" VALUES('27c6ffe1-eb5e-4375-9cb7-e1fa286a2c37',4,'tests#1','{"kind": "stage-result", "format": 1, "status": "success", "summary": "placeholder: no model was asked", "findings": [], "patch": "", "usage": [{"server": "placeholder", "model": "placeholder", "tokens_in": null, "tokens_out": null, "seconds": 0.0, "cost": null, "cut": false, "left_out": 0, "attempts": 1}], "output": {"kind": "done", "value": {"prose": "[placeholder: no model was asked]\n\nThe question began: # Material\n", "files": [], "patch": null}}}',NULL,NULL,1795862972055,1795862972212,'espdeck_json','espdeck',1795862972000);
INSERT INTO "operation_outputs" VALUES('27c6ffe1-eb5e-4375-9cb7-e1fa286a2c37',5,'value#1','{"kind": "stage-result", "format": 1, "status": "success", "summary": "placeholder: no model was asked", "findings": [], "patch": "", "usage": [{"server": "placeholder", "model": "placeholder", "tokens_in": null, "tokens_out": null, "seconds": 0.0, "cost": null, "cut": false, "left_out": 0, "attempts": 1}], "output": {"kind": "done", "value": {"prose": "[placeholder: no model was asked]\n\nThe question began: # Material\n", "files": [], "patch": null}}}',NULL,NULL,1795862972058,1795862972260,'espdeck_json','espdeck',1795862972000);
INSERT INTO "operation_outputs" VALUES('27c6ffe1-eb5e-4375-9cb7-e1fa286a2c37',3,'security#1','{"kind": "stage-result", "format": 1, "status": "success", "summary": "placeholder: no model was asked", "findings": [], "patch": "", "usage": [{"server": "placeholder", "model": "placeholder", "tokens_in": null, "tokens_out": null, "seconds": 0.0, "cost": null, "cut": false, "left_out": 0, "attempts": 1}], "output": {"kind": "done", "value": {"prose": "[placeholder: no model was asked]\n\nThe question began: # Material\n", "files": [], "patch": null}}}',NULL,NULL,1795862972032,1795862972301,'espdeck_json','espdeck',1795862972000);
INSERT INTO "operation_outputs" VALUES('27c6ffe1-eb5e-4375-9cb7-e1fa286a2c37',6,'verdict#1','{"kind": "stage-result", "format": 1, "status": "success", "summary": "placeholder: no model was asked", "findings": [], "patch": "", "usage": [{"server": "placeholder", "model": "placeholder", "tokens_in": null, "tokens_out": null, "seconds": 0.0, "cost": null, "cut": false, "left_out": 0, "attempts": 1}], "output": {"kind": "done", "value": {"prose": "[placeholder: no model was asked]\n\nThe question began: # Material\n", "files": [], "patch": null}}}',NULL,NULL,1795862972333,1795862972361,'espdeck_json','espdeck',1795862972000);
INSERT INTO "operation_outputs" VALUES('d25842fc-b1eb-45ab-bef4-c64b86017dce',2,'build#1','{"kind": "stage-result", "format": 1, "status": "success", "summary": "hello.elf, 0 warnings, SRAM 4.8 KiB of 400 KiB (1 %), IRAM 2.7 KiB, DRAM 2.1 KiB, flash 4.8 KiB of 4096 KiB (0 %)", "findings": [], "patch": "", "usage": [], "output": {"kind": "compiled", "value": {"image": {"target": "esp32c3", "elf": "@WORKSPACE@/artifacts/1/hello.elf", "parts": [{"offset": 0, "path": "@WORKSPACE@/artifacts/1/app.bin", "kind": "app", "encrypted": false}], "flash_size": 4194304, "flash_mode": "keep", "flash_freq": "keep", "regions": [{"name": "SRAM", "used": 4864, "total": 409600, "grows": true}, {"name": "IRAM", "used": 2744, "total": null, "grows": true}, {"name": "DRAM", "used": 2120, "total": null, "grows": true}, {"name": "flash", "used": 4912, "total": 4194304, "grows": true}], "baud": 921600, "security": null, "before": "", "after": "", "stub": true}, "warnings": 0, "seconds": 2.283368664997397}}}',NULL,NULL,1795862972087,1795862974600,'espdeck_json','espdeck',1795862974000);
INSERT INTO "operation_outputs" VALUES('d25842fc-b1eb-45ab-bef4-c64b86017dce',3,'test.board#1','{"kind": "stage-result", "format": 1, "status": "skipped", "summary": "no board was wanted", "findings": [], "patch": "", "usage": []}',NULL,NULL,1795862974620,1795862974657,'espdeck_json','espdeck',1795862974000);
CREATE TABLE queues (
    queue_id TEXT PRIMARY KEY DEFAULT (hex(randomblob(16))),
    name TEXT NOT NULL UNIQUE,
    concurrency INTEGER,
    worker_concurrency INTEGER,
    rate_limit_max INTEGER,
    rate_limit_period_sec REAL,
    priority_enabled BOOLEAN NOT NULL DEFAULT FALSE,
    partition_queue BOOLEAN NOT NULL DEFAULT FALSE,
    polling_interval_sec REAL NOT NULL DEFAULT 1.0,
    created_at INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000),
    updated_at INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000)
, "application_name" TEXT DEFAULT NULL, "partition_concurrency" INTEGER DEFAULT NULL, "partition_worker_concurrency" INTEGER DEFAULT NULL, "partition_rate_limit_max" INTEGER DEFAULT NULL, "partition_rate_limit_period_sec" REAL DEFAULT NULL);
INSERT INTO "queues" VALUES('9AA77FFF655A97F5FAC49DC7DED88BB5','builds@1a17b616eb8b4cceb6c04211cf84daef',NULL,1,NULL,NULL,1,0,0.1,1795862970000,1795862970463,'espdeck',NULL,NULL,NULL,NULL);
INSERT INTO "queues" VALUES('94FD574D5195E6B29E5390579F5F0CAF','tasks@1a17b616eb8b4cceb6c04211cf84daef',NULL,2,NULL,NULL,1,0,0.25,1795862970000,1795862970496,'espdeck',NULL,NULL,NULL,NULL);
CREATE TABLE streams (
    workflow_uuid TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    "offset" INTEGER NOT NULL, function_id INTEGER NOT NULL DEFAULT 0, "serialization" TEXT DEFAULT NULL,
    PRIMARY KEY (workflow_uuid, key, "offset"),
    FOREIGN KEY (workflow_uuid) REFERENCES workflow_status(workflow_uuid) 
        ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE TABLE workflow_events (
    workflow_uuid TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL, "serialization" TEXT DEFAULT NULL,
    PRIMARY KEY (workflow_uuid, key),
    FOREIGN KEY (workflow_uuid) REFERENCES workflow_status(workflow_uuid) 
        ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE TABLE workflow_events_history (
    workflow_uuid TEXT NOT NULL,
    function_id INTEGER NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL, "serialization" TEXT DEFAULT NULL,
    PRIMARY KEY (workflow_uuid, function_id, key),
    FOREIGN KEY (workflow_uuid) REFERENCES workflow_status(workflow_uuid)
        ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE TABLE workflow_input (
    workflow_uuid TEXT NOT NULL PRIMARY KEY,
    inputs TEXT,
    retention_timestamp INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000)
);
INSERT INTO "workflow_input" VALUES('d25842fc-b1eb-45ab-bef4-c64b86017dce','{"kind": "value", "value": {"args": [1], "kwargs": {}}}',1795862971000);
INSERT INTO "workflow_input" VALUES('6559fe4f-dfc2-4e06-8d69-672aad0b0942','{"kind": "value", "value": {"args": [2], "kwargs": {}}}',1795862971000);
INSERT INTO "workflow_input" VALUES('27c6ffe1-eb5e-4375-9cb7-e1fa286a2c37','{"kind": "value", "value": {"args": [3], "kwargs": {}}}',1795862971000);
CREATE TABLE workflow_output (
    workflow_uuid TEXT NOT NULL PRIMARY KEY,
    output TEXT,
    error TEXT,
    retention_timestamp INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000)
);
INSERT INTO "workflow_output" VALUES('27c6ffe1-eb5e-4375-9cb7-e1fa286a2c37','{"kind": "value", "value": null}',NULL,1795862972000);
CREATE TABLE workflow_schedules (
    schedule_id TEXT PRIMARY KEY,
    schedule_name TEXT NOT NULL UNIQUE,
    workflow_name TEXT NOT NULL,
    workflow_class_name TEXT,
    schedule TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'ACTIVE',
    context TEXT NOT NULL
, "last_fired_at" TEXT DEFAULT NULL, "automatic_backfill" BOOLEAN NOT NULL DEFAULT FALSE, "cron_timezone" TEXT DEFAULT NULL, "queue_name" TEXT DEFAULT NULL, "application_name" TEXT DEFAULT NULL);
CREATE TABLE workflow_status (
    workflow_uuid TEXT PRIMARY KEY,
    status TEXT,
    name TEXT,
    authenticated_user TEXT,
    assumed_role TEXT,
    authenticated_roles TEXT,
    request TEXT,
    output TEXT,
    error TEXT,
    executor_id TEXT,
    created_at INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000),
    updated_at INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000),
    application_version TEXT,
    application_id TEXT,
    class_name TEXT DEFAULT NULL,
    config_name TEXT DEFAULT NULL,
    recovery_attempts INTEGER DEFAULT 0,
    queue_name TEXT,
    workflow_timeout_ms INTEGER,
    workflow_deadline_epoch_ms INTEGER,
    inputs TEXT,
    started_at_epoch_ms INTEGER,
    deduplication_id TEXT,
    priority INTEGER NOT NULL DEFAULT 0
, queue_partition_key TEXT, forked_from TEXT, "owner_xid" TEXT DEFAULT NULL, "parent_workflow_id" TEXT DEFAULT NULL, "serialization" TEXT DEFAULT NULL, "delay_until_epoch_ms" BIGINT DEFAULT NULL, "was_forked_from" BOOLEAN NOT NULL DEFAULT FALSE, "rate_limited" BOOLEAN NOT NULL DEFAULT FALSE, "completed_at" BIGINT, "attributes" TEXT, "schedule_name" TEXT, "debounce_deadline_epoch_ms" BIGINT DEFAULT NULL, "is_debounced" BOOLEAN NOT NULL DEFAULT FALSE, "application_name" TEXT DEFAULT NULL, "creator_xid" TEXT DEFAULT NULL);
INSERT INTO "workflow_status" VALUES('d25842fc-b1eb-45ab-bef4-c64b86017dce','PENDING','espdeck.build',NULL,NULL,NULL,NULL,NULL,NULL,'1a17b616eb8b4cceb6c04211cf84daef',1795862971000,1795862971000,'5',NULL,NULL,NULL,1,'builds@1a17b616eb8b4cceb6c04211cf84daef',NULL,NULL,NULL,1795862971000,NULL,0,NULL,NULL,'2d2a2ce2-ee1b-42a5-ba06-8bd9516b99ca',NULL,'espdeck_json',NULL,0,0,NULL,'null',NULL,NULL,0,'espdeck','f0985a7b-b969-4446-aa08-5eba1e68289e');
INSERT INTO "workflow_status" VALUES('6559fe4f-dfc2-4e06-8d69-672aad0b0942','ENQUEUED','espdeck.build',NULL,NULL,NULL,NULL,NULL,NULL,NULL,1795862971000,1795862971000,'5',NULL,NULL,NULL,0,'builds@1a17b616eb8b4cceb6c04211cf84daef',NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,'espdeck_json',NULL,0,0,NULL,'null',NULL,NULL,0,'espdeck','4b187317-e96b-48c2-8cdf-2b0b71f141d0');
INSERT INTO "workflow_status" VALUES('27c6ffe1-eb5e-4375-9cb7-e1fa286a2c37','SUCCESS','espdeck.build',NULL,NULL,NULL,NULL,NULL,NULL,'1a17b616eb8b4cceb6c04211cf84daef',1795862971000,1795862972000,'5',NULL,NULL,NULL,1,'tasks@1a17b616eb8b4cceb6c04211cf84daef',NULL,NULL,NULL,1795862971000,NULL,3,NULL,NULL,NULL,NULL,'espdeck_json',NULL,0,0,1795862972000,'null',NULL,NULL,0,'espdeck','dc29cd51-cd10-4030-a600-bb6d083c686d');
CREATE INDEX workflow_status_created_at_index ON workflow_status (created_at);
CREATE INDEX idx_workflow_topic ON notifications (destination_uuid, topic);
CREATE INDEX "idx_workflow_status_delayed" ON "workflow_status" ("delay_until_epoch_ms") WHERE status = 'DELAYED';
CREATE INDEX "idx_workflow_status_forked_from" ON "workflow_status" ("forked_from") WHERE "forked_from" IS NOT NULL;
CREATE INDEX "idx_workflow_status_parent_workflow_id" ON "workflow_status" ("parent_workflow_id") WHERE "parent_workflow_id" IS NOT NULL;
CREATE UNIQUE INDEX "uq_workflow_status_dedup_id" ON "workflow_status" ("queue_name", "deduplication_id") WHERE "deduplication_id" IS NOT NULL;
CREATE INDEX "idx_workflow_status_pending" ON "workflow_status" ("created_at") WHERE "status" = 'PENDING';
CREATE INDEX "idx_workflow_status_failed" ON "workflow_status" ("status", "created_at") WHERE "status" IN ('ERROR', 'CANCELLED', 'MAX_RECOVERY_ATTEMPTS_EXCEEDED');
CREATE INDEX "idx_workflow_status_rate_limited" ON "workflow_status" ("queue_name", "started_at_epoch_ms") WHERE "rate_limited" = TRUE;
CREATE INDEX "idx_workflow_status_completed_at" ON "workflow_status" ("completed_at") WHERE "completed_at" IS NOT NULL;
CREATE INDEX "idx_workflow_status_started_at" ON "workflow_status" ("started_at_epoch_ms") WHERE "started_at_epoch_ms" IS NOT NULL;
CREATE INDEX "idx_workflow_status_schedule_name" ON "workflow_status" ("schedule_name") WHERE "schedule_name" IS NOT NULL;
CREATE UNIQUE INDEX "uq_application_versions_owner_version"
    ON application_versions ("application_name", "version_name")
    WHERE "application_name" IS NOT NULL;
CREATE UNIQUE INDEX "uq_application_versions_unclaimed_version"
    ON application_versions ("version_name")
    WHERE "application_name" IS NULL;
CREATE INDEX idx_workflow_input_retention
    ON workflow_input (retention_timestamp);
CREATE INDEX idx_workflow_output_retention
    ON workflow_output (retention_timestamp);
CREATE INDEX idx_operation_outputs_retention
    ON operation_outputs (retention_timestamp);
CREATE INDEX "idx_workflow_status_in_flight_v2" ON "workflow_status" ("queue_name", "status", "priority", "created_at", "application_name") WHERE "status" IN ('ENQUEUED', 'PENDING');
CREATE INDEX "idx_workflow_status_partition_dequeue_v3" ON "workflow_status" ("queue_name", "status", "queue_partition_key", "priority", "created_at", "workflow_uuid", "application_name") WHERE "status" IN ('ENQUEUED', 'PENDING') AND "queue_partition_key" IS NOT NULL;
CREATE INDEX "idx_operation_outputs_completed_at_function_name_v2" ON "operation_outputs" ("completed_at_epoch_ms", "function_name", "application_name");
CREATE INDEX "idx_workflow_status_deadline" ON "workflow_status" ("workflow_deadline_epoch_ms") WHERE "status" IN ('ENQUEUED', 'PENDING', 'DELAYED') AND "workflow_deadline_epoch_ms" IS NOT NULL;
CREATE INDEX "idx_application_versions_timestamp" ON "application_versions" ("version_timestamp" DESC);
CREATE INDEX "idx_application_versions_owner_timestamp" ON "application_versions" ("application_name", "version_timestamp" DESC);
COMMIT;
