BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0010');
CREATE TABLE artifact (
	id INTEGER NOT NULL, 
	run_id INTEGER NOT NULL, 
	kind VARCHAR(32) NOT NULL, 
	path VARCHAR NOT NULL, 
	size INTEGER NOT NULL, 
	sha256 VARCHAR NOT NULL, stage VARCHAR DEFAULT '' NOT NULL, attempt INTEGER DEFAULT '0' NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(run_id) REFERENCES "run" (id) ON DELETE CASCADE
);
INSERT INTO "artifact" VALUES(1,3,'document','correctness.md',66,'12d192251abe1ccf35ee68b4da6abd9bba5a35ac3d64146a886721eec9188257','correctness',1);
INSERT INTO "artifact" VALUES(2,3,'document','design.md',66,'12d192251abe1ccf35ee68b4da6abd9bba5a35ac3d64146a886721eec9188257','design',1);
INSERT INTO "artifact" VALUES(3,3,'document','tests.md',66,'12d192251abe1ccf35ee68b4da6abd9bba5a35ac3d64146a886721eec9188257','tests',1);
INSERT INTO "artifact" VALUES(4,3,'document','value.md',66,'12d192251abe1ccf35ee68b4da6abd9bba5a35ac3d64146a886721eec9188257','value',1);
INSERT INTO "artifact" VALUES(5,3,'document','security.md',66,'12d192251abe1ccf35ee68b4da6abd9bba5a35ac3d64146a886721eec9188257','security',1);
INSERT INTO "artifact" VALUES(6,3,'document','verdict.md',66,'12d192251abe1ccf35ee68b4da6abd9bba5a35ac3d64146a886721eec9188257','verdict',1);
INSERT INTO "artifact" VALUES(7,1,'elf','hello.elf',28492,'530ca4c4d5326ce06fba07b21b12dcbfdf15709411fa78652dcdfd8706a2bc82','build',1);
INSERT INTO "artifact" VALUES(8,1,'app','app.bin',4912,'c2e8a811de1918c43c7233f02021c8db944f416cfb04b1d4a18c4d5a3c19699d','build',1);
INSERT INTO "artifact" VALUES(9,1,'report','image.json',640,'4f0a8db7345ac121c000fe57afb07077ea6a6635076755f6ba8a8abfc268f4d8','build',1);
CREATE TABLE board (
	name VARCHAR NOT NULL, 
	chip VARCHAR NOT NULL, 
	revision VARCHAR NOT NULL, 
	mac VARCHAR NOT NULL, 
	flash_size INTEGER, 
	features VARCHAR NOT NULL, 
	asked_at DATETIME, 
	holder VARCHAR NOT NULL, 
	note VARCHAR NOT NULL, 
	held_until DATETIME, label VARCHAR DEFAULT '' NOT NULL, remark VARCHAR DEFAULT '' NOT NULL, brownouts INTEGER DEFAULT '0' NOT NULL, watchdog_resets INTEGER DEFAULT '0' NOT NULL, package VARCHAR DEFAULT '' NOT NULL, protection VARCHAR DEFAULT '' NOT NULL, crystal INTEGER, 
	PRIMARY KEY (name)
);
CREATE TABLE event (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	run_id INTEGER NOT NULL, 
	seq INTEGER NOT NULL, 
	kind VARCHAR NOT NULL, 
	at DATETIME NOT NULL, 
	body JSON NOT NULL, 
	writer VARCHAR NOT NULL
);
INSERT INTO "event" VALUES(1,0,1,'project.status','2026-11-28 10:49:30.943864','{"project_id": "5cb017e9-fbb7-4fe5-98f7-a25827b89df3", "project": "hello", "status": "pending", "detail": "waits to be cloned", "removed": false}','4ad479c74ce3');
INSERT INTO "event" VALUES(2,0,2,'project.status','2026-11-28 10:49:30.979780','{"project_id": "5cb017e9-fbb7-4fe5-98f7-a25827b89df3", "project": "hello", "status": "pending", "detail": "cloning", "removed": false}','4ad479c74ce3');
INSERT INTO "event" VALUES(3,0,3,'project.status','2026-11-28 10:49:31.246000','{"project_id": "5cb017e9-fbb7-4fe5-98f7-a25827b89df3", "project": "hello", "status": "pending", "detail": "counting objects 5 %", "removed": false}','4ad479c74ce3');
INSERT INTO "event" VALUES(4,0,4,'project.status','2026-11-28 10:49:31.405215','{"project_id": "5cb017e9-fbb7-4fe5-98f7-a25827b89df3", "project": "hello", "status": "active", "detail": "", "removed": false}','4ad479c74ce3');
INSERT INTO "event" VALUES(5,0,5,'project.status','2026-11-28 10:49:31.540545','{"project_id": "5cb017e9-fbb7-4fe5-98f7-a25827b89df3", "project": "hello", "status": "active", "detail": "", "removed": false}','4ad479c74ce3');
INSERT INTO "event" VALUES(6,1,1,'build.status','2026-11-28 10:49:31.595884','{"project_id": "5cb017e9-fbb7-4fe5-98f7-a25827b89df3", "status": "pending", "run": "firmware"}','4ad479c74ce3');
INSERT INTO "event" VALUES(7,0,6,'project.status','2026-11-28 10:49:31.701771','{"project_id": "5cb017e9-fbb7-4fe5-98f7-a25827b89df3", "project": "hello", "status": "active", "detail": "", "removed": false}','4ad479c74ce3');
INSERT INTO "event" VALUES(8,2,1,'build.status','2026-11-28 10:49:31.749614','{"project_id": "5cb017e9-fbb7-4fe5-98f7-a25827b89df3", "status": "pending", "run": "firmware"}','4ad479c74ce3');
INSERT INTO "event" VALUES(9,1,2,'build.status','2026-11-28 10:49:31.751704','{"project_id": "5cb017e9-fbb7-4fe5-98f7-a25827b89df3", "status": "running", "run": "firmware"}','4ad479c74ce3');
INSERT INTO "event" VALUES(10,1,3,'workflow.started','2026-11-28 10:49:31.752303','{"project": "hello", "commit": "44f13a3b3e9088120e8e7c3029199f5703367f68", "target": "esp32c3", "pipeline": "firmware", "resumed": false, "run": "firmware"}','4ad479c74ce3');
INSERT INTO "event" VALUES(11,3,1,'build.status','2026-11-28 10:49:31.811786','{"project_id": "", "status": "pending", "run": "task"}','4ad479c74ce3');
INSERT INTO "event" VALUES(12,1,4,'stage.status','2026-11-28 10:49:31.880658','{"stage": "plan", "agent": "PROJECT_MANAGER", "phase": "setup", "attempt": 1, "status": "running", "summary": "validate and plan"}','4ad479c74ce3');
INSERT INTO "event" VALUES(13,1,5,'workflow.progress','2026-11-28 10:49:31.893128','{"phase": "setup", "percent": 0.0, "message": "PROJECT_MANAGER: validate and plan"}','4ad479c74ce3');
INSERT INTO "event" VALUES(14,3,2,'build.status','2026-11-28 10:49:31.930673','{"project_id": "", "status": "running", "run": "task"}','4ad479c74ce3');
INSERT INTO "event" VALUES(15,3,3,'workflow.started','2026-11-28 10:49:31.930913','{"project": "", "commit": "", "target": "", "pipeline": "Code review", "resumed": false, "run": "task"}','4ad479c74ce3');
INSERT INTO "event" VALUES(16,3,4,'stage.status','2026-11-28 10:49:31.965844','{"stage": "correctness", "agent": "firmware_engineer", "phase": "step 1", "attempt": 1, "status": "running", "summary": "Correctness"}','4ad479c74ce3');
INSERT INTO "event" VALUES(17,3,5,'workflow.progress','2026-11-28 10:49:31.966074','{"phase": "step 1", "percent": 0.0, "message": "firmware_engineer: Correctness"}','4ad479c74ce3');
INSERT INTO "event" VALUES(18,3,6,'stage.status','2026-11-28 10:49:31.988920','{"stage": "design", "agent": "architect", "phase": "step 1", "attempt": 1, "status": "running", "summary": "Design"}','4ad479c74ce3');
INSERT INTO "event" VALUES(19,3,7,'workflow.progress','2026-11-28 10:49:31.989133','{"phase": "step 1", "percent": 0.0, "message": "architect: Design"}','4ad479c74ce3');
INSERT INTO "event" VALUES(20,1,11,'stage.status','2026-11-28 10:49:32.034157','{"stage": "plan", "agent": "PROJECT_MANAGER", "phase": "setup", "attempt": 1, "status": "success", "summary": "cmake for esp32c3, board none, simulator labwired"}','4ad479c74ce3');
INSERT INTO "event" VALUES(21,1,12,'workflow.progress','2026-11-28 10:49:32.034452','{"phase": "setup", "percent": 5.0, "message": "PROJECT_MANAGER: cmake for esp32c3, board none, simulator labwired"}','4ad479c74ce3');
INSERT INTO "event" VALUES(22,3,10,'workflow.progress','2026-11-28 10:49:32.070975','{"phase": "step 1", "percent": 0.4, "message": "answering"}','4ad479c74ce3');
INSERT INTO "event" VALUES(23,3,15,'stage.status','2026-11-28 10:49:32.118407','{"stage": "correctness", "agent": "firmware_engineer", "phase": "step 1", "attempt": 1, "status": "success", "summary": "placeholder: no model was asked"}','4ad479c74ce3');
INSERT INTO "event" VALUES(24,3,16,'workflow.progress','2026-11-28 10:49:32.118646','{"phase": "step 1", "percent": 17.0, "message": "firmware_engineer: placeholder: no model was asked"}','4ad479c74ce3');
INSERT INTO "event" VALUES(25,3,17,'stage.status','2026-11-28 10:49:32.121381','{"stage": "tests", "agent": "qa_tester", "phase": "step 1", "attempt": 1, "status": "running", "summary": "Tests"}','4ad479c74ce3');
INSERT INTO "event" VALUES(26,3,18,'workflow.progress','2026-11-28 10:49:32.121596','{"phase": "step 1", "percent": 17.0, "message": "qa_tester: Tests"}','4ad479c74ce3');
INSERT INTO "event" VALUES(27,1,13,'stage.status','2026-11-28 10:49:32.135480','{"stage": "build", "agent": "BUILDER", "phase": "build", "attempt": 1, "status": "running", "summary": "compile"}','4ad479c74ce3');
INSERT INTO "event" VALUES(28,1,14,'workflow.progress','2026-11-28 10:49:32.135707','{"phase": "build", "percent": 5.0, "message": "BUILDER: compile"}','4ad479c74ce3');
INSERT INTO "event" VALUES(29,3,19,'stage.status','2026-11-28 10:49:32.141752','{"stage": "design", "agent": "architect", "phase": "step 1", "attempt": 1, "status": "success", "summary": "placeholder: no model was asked"}','4ad479c74ce3');
INSERT INTO "event" VALUES(30,3,20,'workflow.progress','2026-11-28 10:49:32.141937','{"phase": "step 1", "percent": 33.3, "message": "architect: placeholder: no model was asked"}','4ad479c74ce3');
INSERT INTO "event" VALUES(31,3,21,'stage.status','2026-11-28 10:49:32.153821','{"stage": "value", "agent": "product_manager", "phase": "step 1", "attempt": 1, "status": "running", "summary": "Value"}','4ad479c74ce3');
INSERT INTO "event" VALUES(32,3,22,'workflow.progress','2026-11-28 10:49:32.154005','{"phase": "step 1", "percent": 33.3, "message": "product_manager: Value"}','4ad479c74ce3');
INSERT INTO "event" VALUES(33,3,23,'stage.status','2026-11-28 10:49:32.161008','{"stage": "security", "agent": "security_auditor", "phase": "step 1", "attempt": 1, "status": "running", "summary": "Security"}','4ad479c74ce3');
INSERT INTO "event" VALUES(34,3,24,'workflow.progress','2026-11-28 10:49:32.161191','{"phase": "step 1", "percent": 33.3, "message": "security_auditor: Security"}','4ad479c74ce3');
INSERT INTO "event" VALUES(35,3,27,'workflow.progress','2026-11-28 10:49:32.184753','{"phase": "step 1", "percent": 33.7, "message": "answering"}','4ad479c74ce3');
INSERT INTO "event" VALUES(36,3,29,'stage.status','2026-11-28 10:49:32.211822','{"stage": "tests", "agent": "qa_tester", "phase": "step 1", "attempt": 1, "status": "success", "summary": "placeholder: no model was asked"}','4ad479c74ce3');
INSERT INTO "event" VALUES(37,3,30,'workflow.progress','2026-11-28 10:49:32.212031','{"phase": "step 1", "percent": 50.0, "message": "qa_tester: placeholder: no model was asked"}','4ad479c74ce3');
INSERT INTO "event" VALUES(38,3,33,'workflow.progress','2026-11-28 10:49:32.214141','{"phase": "step 1", "percent": 50.7, "message": "answering"}','4ad479c74ce3');
INSERT INTO "event" VALUES(39,1,15,'workflow.progress','2026-11-28 10:49:32.234285','{"phase": "build", "percent": 5.0, "message": "configuring"}','4ad479c74ce3');
INSERT INTO "event" VALUES(40,3,35,'stage.status','2026-11-28 10:49:32.260206','{"stage": "value", "agent": "product_manager", "phase": "step 1", "attempt": 1, "status": "success", "summary": "placeholder: no model was asked"}','4ad479c74ce3');
INSERT INTO "event" VALUES(41,3,36,'workflow.progress','2026-11-28 10:49:32.260419','{"phase": "step 1", "percent": 66.7, "message": "product_manager: placeholder: no model was asked"}','4ad479c74ce3');
INSERT INTO "event" VALUES(42,3,39,'workflow.progress','2026-11-28 10:49:32.262586','{"phase": "step 1", "percent": 67.0, "message": "answering"}','4ad479c74ce3');
INSERT INTO "event" VALUES(43,3,41,'stage.status','2026-11-28 10:49:32.301402','{"stage": "security", "agent": "security_auditor", "phase": "step 1", "attempt": 1, "status": "success", "summary": "placeholder: no model was asked"}','4ad479c74ce3');
INSERT INTO "event" VALUES(44,3,42,'workflow.progress','2026-11-28 10:49:32.301686','{"phase": "step 1", "percent": 83.3, "message": "security_auditor: placeholder: no model was asked"}','4ad479c74ce3');
INSERT INTO "event" VALUES(45,3,43,'stage.status','2026-11-28 10:49:32.335958','{"stage": "verdict", "agent": "quality_analyst", "phase": "step 2", "attempt": 1, "status": "running", "summary": "Verdict"}','4ad479c74ce3');
INSERT INTO "event" VALUES(46,3,44,'workflow.progress','2026-11-28 10:49:32.336168','{"phase": "step 2", "percent": 83.3, "message": "quality_analyst: Verdict"}','4ad479c74ce3');
INSERT INTO "event" VALUES(47,3,47,'workflow.progress','2026-11-28 10:49:32.343881','{"phase": "step 2", "percent": 83.7, "message": "answering"}','4ad479c74ce3');
INSERT INTO "event" VALUES(48,3,49,'stage.status','2026-11-28 10:49:32.361422','{"stage": "verdict", "agent": "quality_analyst", "phase": "step 2", "attempt": 1, "status": "success", "summary": "placeholder: no model was asked"}','4ad479c74ce3');
INSERT INTO "event" VALUES(49,3,50,'workflow.progress','2026-11-28 10:49:32.361638','{"phase": "step 2", "percent": 100.0, "message": "quality_analyst: placeholder: no model was asked"}','4ad479c74ce3');
INSERT INTO "event" VALUES(50,3,51,'workflow.completed','2026-11-28 10:49:32.375640','{"success": true, "status": "success", "duration": 0.453518, "result": "6 steps done, placeholder: no model was asked", "verdict": "", "run": "task"}','4ad479c74ce3');
INSERT INTO "event" VALUES(51,3,52,'build.status','2026-11-28 10:49:32.375827','{"project_id": "", "status": "success", "run": "task"}','4ad479c74ce3');
INSERT INTO "event" VALUES(52,1,25,'workflow.progress','2026-11-28 10:49:33.393663','{"phase": "build", "percent": 14.6, "message": "Building C object CMakeFiles/hello.dir/main/main.c.obj"}','4ad479c74ce3');
INSERT INTO "event" VALUES(53,1,27,'workflow.progress','2026-11-28 10:49:33.449217','{"phase": "build", "percent": 19.8, "message": "Building C object CMakeFiles/hello.dir/test/test_math.c.obj"}','4ad479c74ce3');
INSERT INTO "event" VALUES(54,1,29,'workflow.progress','2026-11-28 10:49:33.454398','{"phase": "build", "percent": 24.9, "message": "Building ASM object CMakeFiles/hello.dir/runtime/startup.S.obj"}','4ad479c74ce3');
INSERT INTO "event" VALUES(55,1,31,'workflow.progress','2026-11-28 10:49:33.558384','{"phase": "build", "percent": 30.1, "message": "Building C object CMakeFiles/hello.dir/runtime/start.c.obj"}','4ad479c74ce3');
INSERT INTO "event" VALUES(56,1,33,'workflow.progress','2026-11-28 10:49:33.596805','{"phase": "build", "percent": 35.2, "message": "Building C object CMakeFiles/hello.dir/runtime/panic.c.obj"}','4ad479c74ce3');
INSERT INTO "event" VALUES(57,1,35,'workflow.progress','2026-11-28 10:49:33.611907','{"phase": "build", "percent": 40.4, "message": "Building C object CMakeFiles/hello.dir/runtime/console.c.obj"}','4ad479c74ce3');
INSERT INTO "event" VALUES(58,1,37,'workflow.progress','2026-11-28 10:49:33.685306','{"phase": "build", "percent": 45.5, "message": "Linking C executable hello.elf"}','4ad479c74ce3');
INSERT INTO "event" VALUES(59,1,38,'workflow.progress','2026-11-28 10:49:33.687450','{"phase": "build", "percent": 45.5, "message": "making the image"}','4ad479c74ce3');
INSERT INTO "event" VALUES(60,1,42,'workflow.progress','2026-11-28 10:49:34.227063','{"phase": "build", "percent": 50.0, "message": "built"}','4ad479c74ce3');
INSERT INTO "event" VALUES(61,1,44,'stage.status','2026-11-28 10:49:34.581242','{"stage": "build", "agent": "BUILDER", "phase": "build", "attempt": 1, "status": "success", "summary": "hello.elf, 0 warnings, SRAM 4.8 KiB of 400 KiB (1 %), IRAM 2.7 KiB, DRAM 2.1 KiB, flash 4.8 KiB of 4096 KiB (0 %)"}','4ad479c74ce3');
INSERT INTO "event" VALUES(62,1,45,'workflow.progress','2026-11-28 10:49:34.597076','{"phase": "build", "percent": 50.0, "message": "BUILDER: hello.elf, 0 warnings, SRAM 4.8 KiB of 400 KiB (1 %), IRAM 2.7 KiB, DRAM 2.1 KiB, flash 4.8 KiB of 4096 KiB (0 %)"}','4ad479c74ce3');
INSERT INTO "event" VALUES(63,1,46,'stage.status','2026-11-28 10:49:34.627996','{"stage": "test.board", "agent": "TESTER", "phase": "test", "attempt": 1, "status": "running", "summary": "flash and listen"}','4ad479c74ce3');
INSERT INTO "event" VALUES(64,1,47,'workflow.progress','2026-11-28 10:49:34.646579','{"phase": "test", "percent": 50.0, "message": "TESTER: flash and listen"}','4ad479c74ce3');
INSERT INTO "event" VALUES(65,1,48,'stage.status','2026-11-28 10:49:34.635741','{"stage": "test.simulator", "agent": "TESTER", "phase": "test", "attempt": 1, "status": "running", "summary": "simulate"}','4ad479c74ce3');
INSERT INTO "event" VALUES(66,1,49,'workflow.progress','2026-11-28 10:49:34.654166','{"phase": "test", "percent": 80.0, "message": "TESTER: simulate"}','4ad479c74ce3');
INSERT INTO "event" VALUES(67,1,51,'stage.status','2026-11-28 10:49:34.653805','{"stage": "test.board", "agent": "TESTER", "phase": "test", "attempt": 1, "status": "skipped", "summary": "no board was wanted"}','4ad479c74ce3');
INSERT INTO "event" VALUES(68,1,52,'workflow.progress','2026-11-28 10:49:34.657561','{"phase": "test", "percent": 80.0, "message": "TESTER: no board was wanted"}','4ad479c74ce3');
CREATE TABLE finding (
	id INTEGER NOT NULL, 
	run_id INTEGER NOT NULL, 
	stage VARCHAR NOT NULL, 
	attempt INTEGER NOT NULL, 
	severity VARCHAR(32) NOT NULL, 
	code VARCHAR NOT NULL, 
	message VARCHAR NOT NULL, 
	file VARCHAR, 
	line INTEGER, 
	"column" INTEGER, 
	hint VARCHAR, 
	evidence VARCHAR, 
	PRIMARY KEY (id), 
	FOREIGN KEY(run_id) REFERENCES "run" (id) ON DELETE CASCADE
);
INSERT INTO "finding" VALUES(1,1,'plan',1,'info','plan.untested','no board was wanted',NULL,NULL,NULL,NULL,NULL);
CREATE TABLE log_chunk (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	run_id INTEGER NOT NULL, 
	stage VARCHAR NOT NULL, 
	attempt INTEGER NOT NULL, 
	stream VARCHAR(8) NOT NULL, 
	seq INTEGER NOT NULL, 
	first_line INTEGER NOT NULL, 
	lines INTEGER NOT NULL, 
	agent VARCHAR(32) NOT NULL, 
	text VARCHAR NOT NULL, 
	writer VARCHAR NOT NULL, 
	FOREIGN KEY(run_id) REFERENCES "run" (id) ON DELETE CASCADE
);
INSERT INTO "log_chunk" VALUES(1,1,'plan',1,'log',6,0,5,'PROJECT_MANAGER','project hello at @WORKSPACE@/worktrees/0da37207f9b57bc9/0/src
toolchain cmake, target esp32c3
1 expectation, 0 tests, 10 s, 921600 baud
no board was wanted
board none, simulator labwired
','4ad479c74ce3');
INSERT INTO "log_chunk" VALUES(2,3,'correctness',1,'log',8,0,5,'firmware_engineer','asking placeholder, some 871 tokens
[placeholder: no model was asked]

The question began: # Material

','4ad479c74ce3');
INSERT INTO "log_chunk" VALUES(3,3,'design',1,'log',12,0,5,'architect','asking placeholder, some 693 tokens
[placeholder: no model was asked]

The question began: # Material

','4ad479c74ce3');
INSERT INTO "log_chunk" VALUES(4,3,'tests',1,'log',25,0,5,'qa_tester','asking placeholder, some 633 tokens
[placeholder: no model was asked]

The question began: # Material

','4ad479c74ce3');
INSERT INTO "log_chunk" VALUES(5,3,'value',1,'log',31,0,5,'product_manager','asking placeholder, some 599 tokens
[placeholder: no model was asked]

The question began: # Material

','4ad479c74ce3');
INSERT INTO "log_chunk" VALUES(6,3,'security',1,'log',37,0,5,'security_auditor','asking placeholder, some 654 tokens
[placeholder: no model was asked]

The question began: # Material

','4ad479c74ce3');
INSERT INTO "log_chunk" VALUES(7,3,'verdict',1,'log',45,0,5,'quality_analyst','asking placeholder, some 780 tokens
[placeholder: no model was asked]

The question began: # Material

','4ad479c74ce3');
INSERT INTO "log_chunk" VALUES(8,1,'build',1,'log',16,0,1,'BUILDER','Not searching for unused variables given on the command line.
','4ad479c74ce3');
INSERT INTO "log_chunk" VALUES(9,1,'build',1,'log',17,1,1,'BUILDER','-- The C compiler identification is Clang 22.1.8
','4ad479c74ce3');
INSERT INTO "log_chunk" VALUES(10,1,'build',1,'log',18,2,3,'BUILDER','-- The ASM compiler identification is unknown
-- Found assembler: zig
-- Detecting C compiler ABI info
','4ad479c74ce3');
INSERT INTO "log_chunk" VALUES(11,1,'build',1,'log',20,5,8,'BUILDER','-- Detecting C compiler ABI info - done
-- Check for working C compiler: zig - skipped
-- Detecting C compile features
-- Detecting C compile features - done
-- Warning: Did not find file Compiler/-ASM
-- Configuring done
-- Generating done
-- Build files have been written to: @WORKSPACE@/worktrees/0da37207f9b57bc9/0/build-5cb017e9-esp32c3
','4ad479c74ce3');
INSERT INTO "log_chunk" VALUES(12,1,'build',1,'log',24,13,3,'BUILDER','[1/7] Building C object CMakeFiles/hello.dir/main/main.c.obj
[2/7] Building C object CMakeFiles/hello.dir/test/test_math.c.obj
[3/7] Building ASM object CMakeFiles/hello.dir/runtime/startup.S.obj
','4ad479c74ce3');
INSERT INTO "log_chunk" VALUES(13,1,'build',1,'log',30,16,3,'BUILDER','[4/7] Building C object CMakeFiles/hello.dir/runtime/start.c.obj
[5/7] Building C object CMakeFiles/hello.dir/runtime/panic.c.obj
[6/7] Building C object CMakeFiles/hello.dir/runtime/console.c.obj
','4ad479c74ce3');
INSERT INTO "log_chunk" VALUES(14,1,'build',1,'log',36,19,1,'BUILDER','[7/7] Linking C executable hello.elf
','4ad479c74ce3');
INSERT INTO "log_chunk" VALUES(15,1,'build',1,'log',39,20,4,'BUILDER','esptool v5.6.0
Creating ESP32-C3 image...
Merged 2 ELF sections.
Successfully created ESP32-C3 image.
','4ad479c74ce3');
INSERT INTO "log_chunk" VALUES(16,1,'build',1,'log',43,24,1,'BUILDER','sizes: SRAM 4.8 KiB of 400 KiB (1 %), IRAM 2.7 KiB, DRAM 2.1 KiB, flash 4.8 KiB of 4096 KiB (0 %)
','4ad479c74ce3');
INSERT INTO "log_chunk" VALUES(17,1,'test.simulator',1,'log',50,0,1,'TESTER','labwired runs hello.elf for up to 10 s of firmware time
','4ad479c74ce3');
CREATE TABLE project (
	id CHAR(32) NOT NULL, 
	name VARCHAR NOT NULL, 
	source VARCHAR NOT NULL, 
	branch VARCHAR, 
	target VARCHAR NOT NULL, 
	status VARCHAR(32) NOT NULL, 
	status_detail VARCHAR NOT NULL, 
	clone_path VARCHAR NOT NULL, 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	synced_at DATETIME, app VARCHAR DEFAULT '' NOT NULL, configuration VARCHAR DEFAULT '' NOT NULL, tip VARCHAR DEFAULT '' NOT NULL, branch_chosen BOOLEAN DEFAULT 0 NOT NULL, targets JSON DEFAULT '[]' NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (name)
);
INSERT INTO "project" VALUES('5cb017e9fbb74fe598f7a25827b89df3','hello','@WORKSPACE@/sources/hello','main','esp32c3','active','','@WORKSPACE@/projects/0da37207f9b57bc9.git','2026-11-28 10:49:30.932730','2026-11-28 10:49:31.701184','2026-11-28 10:49:31.701175','','','44f13a3b3e9088120e8e7c3029199f5703367f68',0,'["esp32c3"]');
CREATE TABLE "run" (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	project_id CHAR(32), 
	commit_sha VARCHAR NOT NULL, 
	commit_message VARCHAR NOT NULL, 
	commit_author VARCHAR NOT NULL, 
	branch VARCHAR NOT NULL, 
	target VARCHAR NOT NULL, 
	triggered_by VARCHAR(32) NOT NULL, 
	status VARCHAR(32) NOT NULL, 
	board VARCHAR NOT NULL, 
	simulator VARCHAR NOT NULL, 
	workflow_id VARCHAR NOT NULL, 
	cancel_requested BOOLEAN NOT NULL, 
	started_at DATETIME, 
	completed_at DATETIME, 
	duration FLOAT, 
	build_output VARCHAR NOT NULL, 
	test_results JSON, 
	artifacts_path VARCHAR NOT NULL, 
	error VARCHAR NOT NULL, 
	created_at DATETIME NOT NULL, 
	kind VARCHAR(32) DEFAULT 'firmware' NOT NULL, verdict VARCHAR DEFAULT '' NOT NULL, configuration VARCHAR DEFAULT '' NOT NULL, notes JSON DEFAULT '[]' NOT NULL, dirty BOOLEAN DEFAULT 0 NOT NULL, repeats JSON, deaths INTEGER DEFAULT '0' NOT NULL, 
	FOREIGN KEY(project_id) REFERENCES project (id) ON DELETE CASCADE
);
INSERT INTO "run" VALUES(1,'5cb017e9fbb74fe598f7a25827b89df3','44f13a3b3e9088120e8e7c3029199f5703367f68','Add the hello sample','espdeck','main','esp32c3','manual','running','none','auto','d25842fc-b1eb-45ab-bef4-c64b86017dce',0,'2026-11-28 10:49:31.728679',NULL,NULL,'','null','@WORKSPACE@/artifacts/1','','2026-11-28 10:49:31.586914','firmware','','','[]',0,'null',0);
INSERT INTO "run" VALUES(2,'5cb017e9fbb74fe598f7a25827b89df3','44f13a3b3e9088120e8e7c3029199f5703367f68','Add the hello sample','espdeck','main','esp32c3','manual','pending','none','none','6559fe4f-dfc2-4e06-8d69-672aad0b0942',0,NULL,NULL,NULL,'','null','','','2026-11-28 10:49:31.747668','firmware','','','[]',0,'null',0);
INSERT INTO "run" VALUES(3,NULL,'','','','','','manual','success','auto','auto','27c6ffe1-eb5e-4375-9cb7-e1fa286a2c37',0,'2026-11-28 10:49:31.922772','2026-11-28 10:49:32.376290',0.453518,'','null','@WORKSPACE@/artifacts/3','','2026-11-28 10:49:31.793232','task','','','[]',0,'null',0);
CREATE TABLE stage (
	id INTEGER NOT NULL, 
	run_id INTEGER NOT NULL, 
	"key" VARCHAR NOT NULL, 
	agent VARCHAR(32) NOT NULL, 
	phase VARCHAR(32) NOT NULL, 
	attempt INTEGER NOT NULL, 
	status VARCHAR(32) NOT NULL, 
	started_at DATETIME, 
	completed_at DATETIME, 
	summary VARCHAR NOT NULL, usage JSON, 
	PRIMARY KEY (id), 
	FOREIGN KEY(run_id) REFERENCES "run" (id) ON DELETE CASCADE
);
INSERT INTO "stage" VALUES(1,1,'plan','PROJECT_MANAGER','setup',1,'success','2026-11-28 10:49:31.865370','2026-11-28 10:49:32.028681','cmake for esp32c3, board none, simulator labwired','null');
INSERT INTO "stage" VALUES(2,3,'correctness','firmware_engineer','step 1',1,'success','2026-11-28 10:49:31.957026','2026-11-28 10:49:32.092444','placeholder: no model was asked','[{"server": "placeholder", "model": "placeholder", "tokens_in": null, "tokens_out": null, "seconds": 0.0, "cost": null, "cut": false, "left_out": 0, "attempts": 1}]');
INSERT INTO "stage" VALUES(3,3,'design','architect','step 1',1,'success','2026-11-28 10:49:31.987607','2026-11-28 10:49:32.140193','placeholder: no model was asked','[{"server": "placeholder", "model": "placeholder", "tokens_in": null, "tokens_out": null, "seconds": 0.0, "cost": null, "cut": false, "left_out": 0, "attempts": 1}]');
INSERT INTO "stage" VALUES(4,3,'tests','qa_tester','step 1',1,'success','2026-11-28 10:49:32.056358','2026-11-28 10:49:32.210261','placeholder: no model was asked','[{"server": "placeholder", "model": "placeholder", "tokens_in": null, "tokens_out": null, "seconds": 0.0, "cost": null, "cut": false, "left_out": 0, "attempts": 1}]');
INSERT INTO "stage" VALUES(5,1,'build','BUILDER','build',1,'success','2026-11-28 10:49:32.089279','2026-11-28 10:49:34.579791','hello.elf, 0 warnings, SRAM 4.8 KiB of 400 KiB (1 %), IRAM 2.7 KiB, DRAM 2.1 KiB, flash 4.8 KiB of 4096 KiB (0 %)','null');
INSERT INTO "stage" VALUES(6,3,'value','product_manager','step 1',1,'success','2026-11-28 10:49:32.064887','2026-11-28 10:49:32.242048','placeholder: no model was asked','[{"server": "placeholder", "model": "placeholder", "tokens_in": null, "tokens_out": null, "seconds": 0.0, "cost": null, "cut": false, "left_out": 0, "attempts": 1}]');
INSERT INTO "stage" VALUES(7,3,'security','security_auditor','step 1',1,'success','2026-11-28 10:49:32.033332','2026-11-28 10:49:32.288900','placeholder: no model was asked','[{"server": "placeholder", "model": "placeholder", "tokens_in": null, "tokens_out": null, "seconds": 0.0, "cost": null, "cut": false, "left_out": 0, "attempts": 1}]');
INSERT INTO "stage" VALUES(8,3,'verdict','quality_analyst','step 2',1,'success','2026-11-28 10:49:32.334754','2026-11-28 10:49:32.357196','placeholder: no model was asked','[{"server": "placeholder", "model": "placeholder", "tokens_in": null, "tokens_out": null, "seconds": 0.0, "cost": null, "cut": false, "left_out": 0, "attempts": 1}]');
INSERT INTO "stage" VALUES(9,1,'test.board','TESTER','test',1,'skipped','2026-11-28 10:49:34.621882','2026-11-28 10:49:34.648939','no board was wanted','null');
INSERT INTO "stage" VALUES(10,1,'test.simulator','TESTER','test',1,'running','2026-11-28 10:49:34.634547',NULL,'','null');
CREATE TABLE task (
	run_id INTEGER NOT NULL, 
	title VARCHAR NOT NULL, 
	description VARCHAR NOT NULL, 
	context VARCHAR NOT NULL, 
	priority VARCHAR(32) NOT NULL, 
	model VARCHAR NOT NULL, 
	max_iterations INTEGER NOT NULL, 
	squad VARCHAR NOT NULL, 
	gate BOOLEAN NOT NULL, 
	paths JSON NOT NULL, 
	definition JSON NOT NULL, 
	result VARCHAR NOT NULL, 
	PRIMARY KEY (run_id), 
	FOREIGN KEY(run_id) REFERENCES "run" (id) ON DELETE CASCADE
);
INSERT INTO "task" VALUES(3,'Code review','','','medium','placeholder',3,'full-stack',0,'[]','{"workflow": "code_review", "pipeline": null, "text": "int main(void) { return 0; }", "diff": "", "commit": null, "plan": {"title": "Code review", "steps": [{"key": "correctness", "name": "Correctness", "role": "firmware_engineer", "who": "You are a senior firmware engineer. You write C (C11) and C++ for ESP32 chips with ESP-IDF\nand FreeRTOS, and you have debugged enough of it at night to be careful.\n- Every esp_err_t is looked at. What was acquired is released on every path, in reverse order.\n- Know where code runs: an ISR calls only FromISR functions and functions in IRAM, never\n  logs, allocates or blocks; a callback of a driver or of the event loop does not block.\n- Shared state has one owner, or a lock that is named; volatile is no lock. A task''s stack\n  size is a number with a reason. Delays wait for something, else they are mistakes.\n- Sizes are checked before they are used: lengths from the wire, indexes, string ends,\n  integer overflow, alignment, endianness. No variable length array, no unbounded recursion.\n- Time is ticks or microseconds, and says which. Counters wrap.\n- Logs have a tag and a level that fits; none in hot paths.\n- Match the style, naming and idioms of the code at hand. Change what is needed, no more. Do\n  not invent functions, Kconfig options or registers: if you are not sure that one exists\n  in this version of ESP-IDF, say so.", "models": ["placeholder"], "prompt": "Review what you are shown for mistakes that make it do the wrong thing. If there is a\ndiff, review the diff, and the rest of the files only as far as the change reaches.\nLook at return values that are dropped, resources that leak on an error path, races,\ncontext (interrupt, callback, task), sizes and bounds, integer widths and wrap-around,\nuses after free, order of initialisation, and what a caller must know but is not told.\nList findings, the worst first. Each: `file:line`, severity (blocker, major, minor), what\nhappens and when, and the smallest change that mends it. If you find none, say what you\nchecked.", "context": "", "form": "report", "temperature": 0.2, "max_tokens": 1024, "needs": []}, {"key": "design", "name": "Design", "role": "architect", "who": "You are a software architect for ESP32 firmware and what talks to it.\n- Begin with what constrains: RAM and flash, cores, tasks and their stacks, interrupt\n  latency, power states, the update path, who may touch which peripheral.\n- Cut along what changes together. A component has one reason to exist, a small header, an\n  owner of its state, and says in which task or interrupt each function may be called.\n- State the threading and ownership rules: who allocates, who frees, what is copied, what is\n  protected by which lock, what must not block.\n- Say what happens on failure: what is retried, what is reported, what restarts the chip.\n- Offer at least one alternative, and the reason against it. Prefer what ESP-IDF has already\n  (event loop, NVS, esp_timer, drivers) to something of one''s own.\n- Fit in with the structure at hand. Rewriting is a cost that you have to justify.", "models": ["placeholder"], "prompt": "Review the structure: does the change stand where it belongs, does it add a dependency\nthat points the wrong way, does it leak a decision through a header, does it duplicate\nwhat is there already, what will be hard to change because of it? Findings as\n`file:line`, what, why, and what you would do instead. At most seven, the costliest first.", "context": "", "form": "report", "temperature": 0.3, "max_tokens": 1024, "needs": []}, {"key": "security", "name": "Security", "role": "security_auditor", "who": "You are a security auditor of connected devices.\n- Begin with who can reach what: radio, network, USB and UART console, JTAG, flash in hand,\n  the update server, a neighbour device, the supply chain.\n- Follow untrusted data from where it enters to where it is used: lengths, formats, indexes,\n  paths, commands, format strings, integer overflow, time of check and time of use.\n- Look for: keys and passwords in the repository or in logs, TLS without verification, weak\n  random numbers before the radio is up, unsigned updates, rollback, debug interfaces left\n  open, missing flash encryption or secure boot where a stolen device matters, secrets in NVS\n  that is not encrypted.\n- A finding has a place (file:line), an attacker, a way, an effect, a severity (critical,\n  high, medium, low) and a remedy. What you only suspect is marked as suspected.\n- No list of general advice. If there is nothing, say what you looked at.", "models": ["placeholder"], "prompt": "Audit what you are shown. Say first which untrusted data can reach this code. Then the\nfindings: `file:line`, severity, who can do what with it, remedy. Mark what is only\nsuspected.", "context": "", "form": "report", "temperature": 0.2, "max_tokens": 1024, "needs": []}, {"key": "tests", "name": "Tests", "role": "qa_tester", "who": "You are a tester of firmware. You are paid for the bug that you find before the customer does.\n- Think in boundaries, orders and interruptions: zero, one, full, wrap-around; twice; too\n  early; in the midst of a write; from two tasks; at reset; at brownout; after 49.7 days.\n- A test has a name that says what must hold, one reason to fail, and cleans up. It runs\n  without hardware where that is possible (ESP-IDF''s linux target, a simulator, Unity on the\n  host) and says so where it is not.\n- Use what the project has: Unity test cases (TEST_CASE, TEST_ASSERT_...), pytest-embedded,\n  pytest, or [[test]] in espdeck.toml (send, expect, within).\n- No sleeping for luck, no test that repeats the implementation, none that cannot fail.\n- Report what you did not cover.", "models": ["placeholder"], "prompt": "Which behaviour that this code has, or should have, does no test see? Name the tests that\nare missing, the most valuable first: what is given, what is done, what must hold, and\nwhether it runs on the host, in a simulator or only on a board. Say where existing tests\ncannot fail.", "context": "", "form": "report", "temperature": 0.3, "max_tokens": 1024, "needs": []}, {"key": "value", "name": "Value", "role": "product_manager", "who": "You are the product manager of a firmware product: a device that leaves the house once and\nthen runs for years, often where nobody can reach it.\n- Say what is wanted in the words of the one who uses the device, then what is not part of it.\n- Every requirement can be accepted or refused by somebody who sees only the device, its\n  console or a test report. Give it a number, a measure and a limit (\"wakes within 50 ms\").\n- Name what changes for units that are already in the field: updates, stored settings,\n  pairing, calibration, certification.\n- What you do not know is an open question with an owner, not an assumption in the text.\n- You decide no data structures and no pin numbers. You do say which cost matters most here:\n  energy, flash, price of a part, time.", "models": ["placeholder"], "prompt": "Compare what the code does with what was asked for. List what is missing, what is there\nthat nobody asked for, and what a user or a unit in the field will notice. A line each.", "context": "", "form": "report", "temperature": 0.4, "max_tokens": 512, "needs": []}, {"key": "verdict", "name": "Verdict", "role": "quality_analyst", "who": "You are a quality analyst for embedded code.\n- Read it as the one who must change it in two years: names, size of functions, nesting,\n  duplication, hidden state, comments that contradict the code, dead code, magic numbers.\n- Each remark has a place (file:line), what is wrong, why it matters here, and the smallest\n  change that mends it. Sort by what it would cost to leave it.\n- Separate what is wrong from what is a matter of taste; leave taste out.\n- What is good and should stay is worth one line.\n- You report what you read. You have measured nothing, so give no percentages.", "models": ["placeholder"], "prompt": "Make one review of the reviews above. Join what is said twice; leave out what the code at\nhand refutes, and say that you did. Form:\n`## Verdict` approve, approve with remarks, or request changes, and one sentence why.\n`## Must change` a table: place, problem, remedy, who found it.\n`## Should change` likewise.\n`## Open questions` for the author.", "context": "", "form": "report", "temperature": 0.2, "max_tokens": 1024, "needs": ["correctness", "design", "security", "tests", "value"]}], "global_context": "", "assembler": [], "gathers": false, "gate": false, "reviser": null}}','6 steps done, placeholder: no model was asked');
CREATE INDEX ix_event_replay ON event (run_id, seq);
CREATE INDEX ix_log_range ON log_chunk (run_id, stage, attempt, stream, first_line);
CREATE UNIQUE INDEX ix_stage_once ON stage (run_id, "key", attempt);
CREATE INDEX ix_run_project_id ON run (project_id);
CREATE INDEX ix_artifact_run_id ON artifact (run_id);
CREATE INDEX ix_finding_run_id ON finding (run_id);
CREATE INDEX ix_stage_run_id ON stage (run_id);
CREATE UNIQUE INDEX ix_artifact_once ON artifact (run_id, path, stage, attempt);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('run',3);
INSERT INTO "sqlite_sequence" VALUES('event',68);
INSERT INTO "sqlite_sequence" VALUES('log_chunk',17);
COMMIT;
