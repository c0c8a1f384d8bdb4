import Barcodes
import Devices
import Dispatch
import FoundationEssentials
import Labels
import Line
import Synchronization
import Testing
import Tracking

@testable import Ledger

/// What becomes of label jobs: by a real ledger, and a printer that does what the test says.
@Suite("Printing", .serialized, .timeLimit(.minutes(1)))
struct PrintingTests {
    @Test("a job is sent, then printed, and never sent before that is on record")
    func printed() async throws {
        let shop = try await Shop()
        let seen = Mutex<[LabelJobStatus]>([])
        let printing = shop.printing { [ledger = shop.ledger] _, _, job, progress throws(PrintFailure) in
            guard progress.begins() else { throw PrintFailure("not recorded", isRetryable: true) }
            let id = job?.id ?? 0
            let status = wait { try? await ledger.read { try $0.openLabelJob(id)?.status } }
            seen.withLock { $0.append((status ?? nil) ?? .failed) }
        }
        let job = try await shop.queue("A1")
        try await shop.run(printing) { try await shop.until(job) { $0.status == .printed } }
        #expect(seen.withLock { $0 } == [.sent])
        #expect(try await shop.job(job).attempts == 1)
        #expect(try await shop.job(job).mayBeDouble == false)
        #expect(printing.condition(of: "file:p") == PrinterState(.ready))
    }

    @Test("what holds a label up is told while it is on its way")
    func heldUp() async throws {
        let shop = try await Shop()
        let isRefilled = Gate()
        let printing = shop.printing { _, _, _, progress throws(PrintFailure) in
            _ = progress.begins()
            progress.isHeldUp(.paperOut)
            isRefilled.wait()
            progress.isHeldUp(nil)
        }
        let job = try await shop.queue("A1")
        try await shop.run(printing) {
            try await shop.until(job) { $0.problem == PrinterCondition.paperOut.sentence }
            #expect(try await shop.job(job).status == .sent)
            #expect(printing.condition(of: "file:p")?.condition == .paperOut)
            isRefilled.open()
            try await shop.until(job) { $0.status == .printed }
        }
        let done = try await shop.job(job)
        #expect(done.problem == nil && done.attempts == 1 && !done.mayBeDouble)
    }

    @Test("a printer that is not ready gets nothing, the job says why, and a wake tries it at once")
    func notReady() async throws {
        let shop = try await Shop()
        let isPlugged = Flag()
        let printing = shop.printing { _, _, _, progress throws(PrintFailure) in
            guard isPlugged.isSet else { throw PrintFailure("not there", isRetryable: true, condition: .offline) }
            _ = progress.begins()
        }
        let job = try await shop.queue("A1")
        try await shop.run(printing) {
            try await shop.until(job) { $0.problem == "not there" }
            isPlugged.set()
            printing.wake("file:p")
            try await shop.until(job) { $0.status == .printed }
        }
        let done = try await shop.job(job)
        #expect(!done.mayBeDouble && done.attempts == 1)
    }

    @Test("what is said of a printer ends with the job that found it so")
    func cancelled() async throws {
        let shop = try await Shop()
        let printing = shop.printing { _, _, _, _ throws(PrintFailure) in
            throw PrintFailure("not there", isRetryable: true, condition: .offline)
        }
        let job = try await shop.queue("A1")
        try await shop.run(printing) {
            try await shop.until(job) { $0.problem == "not there" }
            #expect(printing.condition(of: "file:p")?.problem == "not there")
            try await shop.cancel(job)
            try await shop.until { printing.condition(of: "file:p") == nil }
        }
    }

    @Test("a label that broke off after its first byte is printed again, and both say so")
    func brokeOff() async throws {
        let shop = try await Shop()
        let labels = Mutex<[String]>([])
        let isPlugged = Flag()
        let printing = shop.printing { printer, label, _, progress throws(PrintFailure) in
            let count = labels.withLock(\.count)
            if count > 0 && !isPlugged.isSet {
                throw PrintFailure("not there", isRetryable: true, condition: .offline)
            }
            _ = progress.begins()
            labels.withLock { $0.append(String(decoding: label, as: UTF8.self)) }
            if count == 0 {
                throw PrintFailure("unplugged", isRetryable: true, condition: .offline, mayBePrinted: true)
            }
        }
        let job = try await shop.queue("A1")
        try await shop.run(printing) {
            try await shop.until(job) { $0.mayBeDouble }
            // Also when the next attempt fails for another reason.
            printing.wake("file:p")
            try await shop.until(job) { $0.problem == "not there; the label may exist twice" }
            isPlugged.set()
            printing.wake("file:p")
            try await shop.until(job) { $0.status == .printed }
        }
        #expect(labels.withLock { $0 } == ["A1 double=false", "A1 double=true"])
        #expect(try await shop.job(job).mayBeDouble)
        #expect(try await shop.job(job).attempts == 2)
        #expect(try await shop.ledger.verify().problem == nil)
    }

    @Test("a job that a killed daemon left on its way is printed again, and says so")
    func killed() async throws {
        let shop = try await Shop()
        let job = try await shop.queue("A1")
        try await shop.report(job, .sent)
        let labels = Mutex<[String]>([])
        let printing = shop.printing { _, label, _, progress throws(PrintFailure) in
            _ = progress.begins()
            labels.withLock { $0.append(String(decoding: label, as: UTF8.self)) }
        }
        try await shop.run(printing) { try await shop.until(job) { $0.status == .printed } }
        #expect(labels.withLock { $0 } == ["A1 double=true"])
    }

    @Test("a stop does not wait for a printer that hangs; the job is then on its way still")
    func stop() async throws {
        let shop = try await Shop()
        let never = Gate()
        defer { never.open() }
        let printing = shop.printing { _, _, _, progress throws(PrintFailure) in
            _ = progress.begins()
            never.wait()
        }
        let job = try await shop.queue("A1")
        try await shop.run(printing) { try await shop.until(job) { $0.status == .sent } }
        #expect(try await shop.job(job).status == .sent)
    }

    @Test("a label that is given up at a stop says at once that it may exist twice")
    func stopHeldUp() async throws {
        let shop = try await Shop()
        let printing = shop.printing { _, _, _, progress throws(PrintFailure) in
            _ = progress.begins()
            progress.isHeldUp(.headOpen)
            while !progress.isStopped() { Gate().wait(milliseconds: 10) }
            throw PrintFailure("given up", isRetryable: true, condition: .offline, mayBePrinted: true)
        }
        let job = try await shop.queue("A1")
        try await shop.run(printing) { try await shop.until(job) { $0.problem != nil } }
        let left = try await shop.job(job)
        #expect(left.status == .queued && left.mayBeDouble)
    }

    @Test("slips take turns with labels, and those for which there is no room are dropped")
    func slips() async throws {
        let shop = try await Shop()
        let isDone = Gate()
        let printed = Mutex<[String]>([])
        let printing = shop.printing { _, label, job, progress throws(PrintFailure) in
            _ = progress.begins()
            if job != nil { isDone.wait() }
            printed.withLock { $0.append(String(decoding: label, as: UTF8.self)) }
        }
        let job = try await shop.queue("A1")
        try await shop.run(printing) {
            try await shop.until(job) { $0.status == .sent }
            for number in 1...5 { printing.slip(Array("slip \(number)".utf8), on: "file:p") }
            printing.slip(Array("other".utf8), on: "file:q")
            try await shop.until { printed.withLock { $0 } == ["other"] }
            isDone.open()
            try await shop.until { printed.withLock { $0.count } == 5 }
        }
        #expect(printed.withLock { $0 } == ["other", "A1 double=false", "slip 1", "slip 2", "slip 3"])
    }

    @Test("a printer is asked while it is idle only, and found ready it goes on")
    func check() async throws {
        let shop = try await Shop()
        let isReady = Flag()
        let asked = Mutex(0)
        let isDone = Gate()
        let printing = shop.printing(check: { _ in
            asked.withLock { $0 += 1 }
            return PrinterState(isReady.isSet ? .ready : .paperOut)
        }) { _, _, _, progress throws(PrintFailure) in
            guard isReady.isSet else { throw PrintFailure("no paper", isRetryable: true, condition: .paperOut) }
            _ = progress.begins()
            isDone.wait()
        }
        #expect(printing.condition(of: "file:p") == nil)
        #expect(await printing.check("file:p") == PrinterState(.paperOut))
        let job = try await shop.queue("A1")
        try await shop.run(printing) {
            try await shop.until(job) { $0.problem == "no paper" }
            isReady.set()
            _ = await printing.check("file:p")
            try await shop.until(job) { $0.status == .sent }
            let count = asked.withLock { $0 }
            #expect(await printing.check("file:p") != nil)
            #expect(asked.withLock { $0 } == count)
            isDone.open()
            try await shop.until(job) { $0.status == .printed }
        }
    }

    @Test("a check of a printer that hangs is answered with what was known")
    func hangingCheck() async throws {
        let shop = try await Shop()
        let never = Gate()
        defer { never.open() }
        let printing = shop.printing(check: { _ in
            never.wait()
            return PrinterState(.ready)
        }) { _, _, _, _ in }
        #expect(await printing.check("file:p") == nil)
    }

    @Test("a failure that nobody but a person can mend ends the job")
    func failed() async throws {
        let shop = try await Shop()
        let printing = shop.printing { _, _, _, _ throws(PrintFailure) in
            throw PrintFailure("no such place", isRetryable: false, condition: .unusable)
        }
        let job = try await shop.queue("A1")
        try await shop.run(printing) { try await shop.until(job) { $0.status == .failed } }
        #expect(try await shop.job(job).problem == "no such place")
        #expect(printing.condition(of: "file:p") == PrinterState(.unusable, problem: "no such place"))
    }
}

@Suite("Label jobs on record", .serialized)
struct LabelJobRecordTests {
    @Test("what an older version recorded is a job that does not exist twice")
    func old() throws {
        let body = """
            {"attempts":1,"copy":0,"createdAt":5,"id":7,"printer":"file:p","product":"P","serial":"A1","status":"sent"}
            """
        let job = try JSONDecoder().decode(LabelJob.self, from: Data(body.utf8))
        #expect(job.id == 7 && !job.mayBeDouble)
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        #expect(String(decoding: try encoder.encode(job), as: UTF8.self) == body)
        var double = job
        double.mayBeDouble = true
        #expect(try JSONDecoder().decode(LabelJob.self, from: encoder.encode(double)) == double)
    }
}

extension LabelJobRecordTests {
    @Test("a ledger of the first format gets the mark, and its jobs don't have it")
    func migrated() async throws {
        let shop = try await Shop()
        let job = try await shop.queue("A1")
        shop.ledger.close()
        let file = "\(shop.path)/\(Ledger.fileName)"
        // What later formats added goes too, or they could not add it again.
        let later = [
            "defect", "defect_finding", "defect_unit", "defect_event", "repair", "repair_part", "supplier_return",
            "supplier_return_line", "write_off", "customer_return", "return_item", "photo", "outbox", "handler",
        ]
        try Connection(path: file, mode: .readWrite).execute(
            later.map { "DROP TABLE \($0);" }.joined() + """
                DROP INDEX work_order_released; DROP TABLE clock_step;
                DROP INDEX unit_held; DROP INDEX unit_tail; DROP INDEX unit_location;
                ALTER TABLE unit DROP COLUMN on_hold; ALTER TABLE unit DROP COLUMN location;
                ALTER TABLE delivery DROP COLUMN opened_by;
                ALTER TABLE session DROP COLUMN active_steady; ALTER TABLE session DROP COLUMN step_steady;
                ALTER TABLE session DROP COLUMN run;
                ALTER TABLE idempotency DROP COLUMN steady; ALTER TABLE idempotency DROP COLUMN run;
                DROP INDEX delivery_return; DROP INDEX delivery_customer;
                ALTER TABLE session DROP COLUMN check_value; ALTER TABLE idempotency DROP COLUMN check_value;
                ALTER TABLE delivery DROP COLUMN customer_return; ALTER TABLE session DROP COLUMN goods;
                ALTER TABLE card DROP COLUMN unserialised_repacking;
                DROP INDEX unit_replaces; ALTER TABLE unit DROP COLUMN replaces;
                ALTER TABLE card DROP COLUMN unserialised_defect;
                ALTER TABLE label_job DROP COLUMN may_be_double; PRAGMA user_version = 1
                """)
        let ledger = try Ledger(directory: shop.path)
        defer { ledger.close() }
        try await ledger.submit(.reportLabel(job, .queued, problem: "p", mayBeDouble: true), by: .system) { _, _ in
            StoredAnswer(status: 200, body: [])
        }
        #expect(try await ledger.read { try $0.openLabelJob(job)?.mayBeDouble } == true)
        #expect(try await ledger.verify().problem == nil)
    }
}

/// A ledger with one product and a label station, whose printer is `file:p`.
private final class Shop: Sendable {
    let ledger: Ledger
    let path: String

    init() async throws {
        path = "/tmp/traveler-test-\(UInt64.random(in: 0...UInt64.max))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        ledger = try Ledger(directory: path)
        try await submit(
            .changePlant { _ in
                var station = Station(name: "LABEL-1", mode: .label)
                station.printers = ["file:p"]
                return [.product(Product(code: "P", name: "Part", type: "part")), .station(station)]
            })
    }

    deinit {
        ledger.close()
        try? FileManager.default.removeItem(atPath: path)
    }

    private func submit(_ command: Command) async throws {
        let admin = Access(login: "root", isAdmin: true, in: ledger.plant).map(Actor.person) ?? .system
        try await ledger.submit(command, by: admin) { _, _ in StoredAnswer(status: 200, body: []) }
    }

    /// Queues the label of a new unit. Answers the job's number.
    func queue(_ serial: String) async throws -> Int64 {
        try await submit(.receive(product: "P", serials: [serial], supplier: nil, cost: nil, note: "n"))
        try await submit(.printLabel(serial, station: "LABEL-1"))
        return try #require(try await ledger.read { try $0.openLabelJobs().last?.id })
    }

    func report(_ job: Int64, _ status: LabelJobStatus) async throws {
        try await ledger.submit(.reportLabel(job, status, problem: nil), by: .system) { _, _ in
            StoredAnswer(status: 200, body: [])
        }
    }

    func cancel(_ job: Int64) async throws { try await submit(.cancelLabel(job)) }

    func job(_ id: Int64) async throws -> LabelJob {
        let access = try #require(Access(login: "root", isAdmin: true, in: ledger.plant))
        let plant = ledger.plant
        return try #require(try await ledger.read { try $0.labelJob(id, for: access, in: plant) })
    }

    func printing(
        check: @escaping Printing.Check = { _ in nil }, send: @escaping Printing.Send
    ) -> Printing {
        Printing(
            ledger: ledger,
            fill: { job throws(PrintFailure) in Array("\(job.serial) double=\(job.mayBeDouble)".utf8) },
            send: send, check: check)
    }

    /// Prints while the body runs, and then stops as a daemon does.
    func run(_ printing: Printing, _ body: () async throws -> Void) async throws {
        let task = Task { try await printing.run() }
        let result: Result<Void, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        task.cancel()
        try await task.value
        try result.get()
    }

    /// Waits until a job is as it should be.
    func until(_ id: Int64, _ condition: (LabelJob) -> Bool) async throws {
        while try await !condition(job(id)) { try await Task.sleep(for: .milliseconds(5)) }
    }

    func until(_ condition: () -> Bool) async throws {
        while !condition() { try await Task.sleep(for: .milliseconds(5)) }
    }
}

/// Holds a thread until the test opens it.
private final class Gate: Sendable {
    private let semaphore = DispatchSemaphore(value: 0)

    func wait() {
        semaphore.wait()
        semaphore.signal()
    }

    func wait(milliseconds: Int) { _ = semaphore.wait(timeout: .now() + .milliseconds(milliseconds)) }

    func open() { semaphore.signal() }
}

/// Set once, from any thread.
private final class Flag: Sendable {
    private let value = Mutex(false)
    var isSet: Bool { value.withLock { $0 } }
    func set() { value.withLock { $0 = true } }
}

/// The value of an asynchronous function, for a thread that may block.
private func wait<Value: Sendable>(_ body: @escaping @Sendable () async -> Value) -> Value? {
    let gate = Gate()
    let box = Mutex<Value?>(nil)
    Task {
        let value = await body()
        box.withLock { $0 = value }
        gate.open()
    }
    gate.wait()
    return box.withLock { $0 }
}
