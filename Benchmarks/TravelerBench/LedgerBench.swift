import Barcodes
import CBaseline
import FoundationEssentials
import Glibc
import Ledger
import Tracking

/// Durable scans in the ledger, beside a plain C loop over SQLite that leaves the same rows behind.
///
/// Both start from copies of one file on one disk. The ledger goes first; the loop then writes the very events that the
/// ledger decided, in batches of the ledger's mean size. A run counts only if the rows of both files are equal.
struct LedgerBench {
    /// A new directory, on the disk that is to be measured.
    var directory: String
    var callers: [Int]
    var repeats: Int
    /// 1 is the full number of scans.
    var scale: Double

    struct Row: Codable {
        var callers: Int
        /// Scans that shared a commit, in the mean.
        var batch: Double
        var ledger: Side
        var c: Side
        /// Rate of the ledger over that of the loop, each pair taken within one run.
        var ratio: Double
        var aim = 0.7
    }

    struct Side: Codable {
        var scans_per_second: Double
        /// From asking to the answer; for the loop, from the beginning to the end of a transaction.
        var latency: Spread
        /// Processor time a scan, all threads.
        var cpu_us: Double

        static func median(_ sides: [Side]) -> Side {
            Side(
                scans_per_second: sides.map(\.scans_per_second).median, latency: .median(sides.map(\.latency)),
                cpu_us: sides.map(\.cpu_us).median)
        }
    }

    func run(progress: (Row) -> Void) async throws -> [Row] {
        var rows: [Row] = []
        for callers in callers {
            let row = try await run(callers)
            progress(row)
            rows.append(row)
        }
        return rows
    }

    /// Units that each caller takes through all stages.
    private func units(_ callers: Int) -> Int {
        let scans =
            switch callers {
            case ..<4: 2_000.0
            case ..<32: 20_000.0
            case ..<256: 100_000.0
            default: 200_000.0
            }
        return max(2, Int(scans * scale) / MeasuredPlant.stages.count / callers)
    }

    private func run(_ callers: Int) async throws -> Row {
        let seed = directory + "/seed"
        let units = units(callers)
        let head = try await makeSeed(seed, callers, units: units)
        var (ledgers, loops, batches): ([Side], [Side], [Double]) = ([], [], [])
        for _ in 0..<repeats {
            let (one, other) = (directory + "/ledger", directory + "/c")
            try copy(seed, to: one)
            let (side, batch) = try await scan(one, callers, units: units)
            try copy(seed, to: other)
            loops.append(try replay(one, other, after: head, batch: Int(batch.rounded())))
            ledgers.append(side)
            batches.append(batch)
            for path in [one, other] { try FileManager.default.removeItem(atPath: path) }
        }
        try FileManager.default.removeItem(atPath: seed)
        return Row(
            callers: callers, batch: batches.median, ledger: .median(ledgers), c: .median(loops),
            ratio: zip(ledgers, loops).map { $0.scans_per_second / $1.scans_per_second }.median)
    }

    /// A ledger with everybody signed on and all units at the first stage. Answers the number of its last event.
    private func makeSeed(_ path: String, _ callers: Int, units: Int) async throws -> Int64 {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let ledger = try Ledger(directory: path)
        guard let access = Access(login: "root", isAdmin: true, in: ledger.plant) else { throw Failure("no admin") }
        func submit(_ command: Command) async throws {
            try await ledger.submit(command, by: .person(access)) { _, _ in StoredAnswer(status: 200, body: []) }
        }
        let changes = MeasuredPlant.changes(stations: callers, badgeDigest: try ledger.badgeDigests)
        try await submit(.changePlant { _ in changes })
        try await submit(
            .createWorkOrder(
                number: MeasuredPlant.order, product: MeasuredPlant.product, quantity: 1_000_000,
                team: MeasuredPlant.team, due: nil))
        try await submit(.moveWorkOrder(MeasuredPlant.order, to: .released))
        let serials = (0..<callers * units).map { MeasuredPlant.serial($0 + 1) }
        for from in stride(from: 0, to: serials.count, by: 10_000) {
            let some = Array(serials[from..<min(from + 10_000, serials.count)])
            try await submit(.register(product: MeasuredPlant.product, serials: some, workOrder: MeasuredPlant.order))
        }
        for number in 1...callers {
            let text = "TRV:BADGE:" + MeasuredPlant.badge(number)
            _ = try await ledger.scan(
                Scan(station: MeasuredPlant.station(number), text: text, code: Code(frame: text)),
                by: .device("/dev/input/event\(number)"), device: "/dev/input/event\(number)")
        }
        let head = try await ledger.read { try $0.number("SELECT max(id) FROM event") }
        ledger.close()
        return head
    }

    /// Takes the seed's units through all stages, with every caller waiting for each answer.
    private func scan(_ path: String, _ callers: Int, units: Int) async throws -> (Side, batch: Double) {
        let ledger = try Ledger(directory: path)
        let serials = (0..<callers * units).map { MeasuredPlant.serial($0 + 1) }
        let (begin, cpu) = (baseline_now(), baseline_cpu())
        let times = try await withThrowingTaskGroup(of: [Int64].self) { group in
            for caller in 0..<callers {
                group.addTask {
                    let mine = serials[caller * units..<(caller + 1) * units]
                    return try await pass(mine, at: caller + 1, in: ledger)
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        let (time, used) = (baseline_now() - begin, baseline_cpu() - cpu)
        let commits = ledger.commits
        ledger.close()
        let count = Double(times.count)
        let side = Side(
            scans_per_second: count / Double(time) * 1e9, latency: Spread(times), cpu_us: Double(used) / 1e3 / count)
        return (side, count / Double(max(commits, 1)))
    }

    /// One caller: every unit passes the first stage, then every unit the second, and so on.
    private func pass(_ serials: ArraySlice<String>, at number: Int, in ledger: Ledger) async throws -> [Int64] {
        let station = MeasuredPlant.station(number)
        let device = "/dev/input/event\(number)"
        var times: [Int64] = []
        times.reserveCapacity(serials.count * MeasuredPlant.stages.count)
        for _ in MeasuredPlant.stages {
            for serial in serials {
                let begin = baseline_now()
                let answer = try await ledger.scan(
                    Scan(station: station, text: serial, code: Code(frame: serial)), by: .device(device),
                    device: device)
                guard answer.result == .accepted else { throw Failure("a scan was not accepted: \(answer.message)") }
                times.append(baseline_now() - begin)
            }
        }
        return times
    }

    private func replay(_ source: String, _ target: String, after head: Int64, batch: Int) throws -> Side {
        let (source, target) = (source + "/" + Ledger.fileName, target + "/" + Ledger.fileName)
        var result = baseline_replay()
        var times = [Int64](repeating: 0, count: 1_000_000)
        try checked { baseline_replay(source, target, head, Int32(max(batch, 1)), &result, &times, $0) }
        try checked { baseline_compare(source, target, $0) }
        let count = Double(result.scans)
        return Side(
            scans_per_second: count / Double(result.time) * 1e9,
            latency: Spread(Array(times.prefix(Int(result.commits)))), cpu_us: Double(result.cpu) / 1e3 / count)
    }

    private func copy(_ seed: String, to path: String) throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let file = path + "/" + Ledger.fileName
        try FileManager.default.copyItem(atPath: seed + "/" + Ledger.fileName, toPath: file)
        // What the copy left to write must not be written while the clock runs.
        let descriptor = open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0, fsync(descriptor) == 0 else { throw Failure("cannot bring \(file) to the disk") }
        close(descriptor)
    }
}
