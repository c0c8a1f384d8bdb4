import CBaseline
import FoundationEssentials
import Glibc

/// The real daemon over its socket: scans, start, memory, and a call of the command line.
struct DaemonBench {
    /// A new directory, on the disk that is to be measured.
    var directory: String
    var daemon: String
    var command: String?
    var callers: [Int]
    var repeats: Int
    var scale: Double

    struct Answer: Codable {
        var scans: [ScanRow] = []
        var start: Start
        var memory: [Memory]
        var command: CommandRow?
    }

    struct ScanRow: Codable {
        var connections: Int
        var scans_per_second: Double
        var latency: Spread
        /// Processor time a scan of daemon and client together.
        var cpu_us: Double
        /// At 64 connections there is an aim.
        var aim_scans_per_second: Double?
        var aim_p99_ms: Double?
    }

    /// From starting the program to its first answer.
    struct Start: Codable {
        var empty: Spread
        var after_load: Spread
    }

    struct Memory: Codable {
        var when: String
        var resident_mb: Double
        /// Shared pages counted by share.
        var proportional_mb: Double
    }

    struct CommandRow: Codable {
        var whoami: Spread
        /// What starting any program costs here.
        var bin_true: Spread
        var aim_p50_ms = 15.0
    }

    private var state: String { directory + "/state" }
    // A socket's path is short.
    private var socket: String { directory + "/s" }
    private var log: String { directory + "/travelerd.log" }

    /// - Throws: `Failure`, with the end of the daemon's log.
    func run(progress: (String) -> Void) throws -> Answer {
        do {
            return try measure(progress)
        } catch {
            let lines = ((try? text(log)) ?? "").split(separator: "\n").suffix(10)
            throw Failure("\(error)\n" + lines.joined(separator: "\n"))
        }
    }

    private func measure(_ progress: (String) -> Void) throws -> Answer {
        progress("start of the daemon")
        let empty = try (0..<10).map { _ in
            try? FileManager.default.removeItem(atPath: state)
            let (process, time) = try start()
            stop(process)
            return time
        }
        try? FileManager.default.removeItem(atPath: state)
        var process = try start().process
        defer { stop(process) }
        var memory = [try self.memory("idle, new", process)]
        try setUp()
        memory.append(try self.memory("idle, plant applied", process))
        var answer = Answer(start: Start(empty: Spread(empty), after_load: Spread([])), memory: [])
        var next = 1
        for connections in callers {
            progress("\(connections) connections")
            answer.scans.append(try scan(connections, next: &next, process))
        }
        memory.append(try self.memory("after the load", process))
        if let command {
            progress("calls of the command line")
            answer.command = try call(command)
        }
        progress("start behind the load")
        let later = try (0..<10).map { _ in
            stop(process)
            let (again, time) = try start()
            process = again
            return time
        }
        memory.append(try self.memory("idle, restarted", process))
        answer.start.after_load = Spread(later)
        answer.memory = memory
        return answer
    }

    // MARK: Scans

    private func setUp() throws {
        let site = MeasuredPlant.siteFile(stations: callers.max() ?? 1)
        try request("PUT", "/v1/site", site, type: "application/yaml")
        try request(
            "POST", "/v1/work-orders",
            """
            {"number":"\(MeasuredPlant.order)","product":"\(MeasuredPlant.product)","quantity":1000000,\
            "team":"\(MeasuredPlant.team)"}
            """)
        try request("POST", "/v1/work-orders/\(MeasuredPlant.order)/release", "")
    }

    private func scan(_ connections: Int, next: inout Int, _ process: pid_t) throws -> ScanRow {
        let wanted =
            switch connections {
            case ..<4: 2_000.0
            case ..<32: 20_000.0
            default: 100_000.0
            }
        let units = max(2, Int(wanted * scale) / MeasuredPlant.stages.count / connections)
        var (rates, spreads, cpus): ([Double], [Spread], [Double]) = ([], [], [])
        for _ in 0..<repeats {
            try register(connections * units, from: next)
            var times = [Int64](repeating: 0, count: connections * units * MeasuredPlant.stages.count)
            var time: Int64 = 0
            let before = baseline_cpu() + cpuTime(process)
            try MeasuredPlant.stationPrefix.withCString { station in
                try MeasuredPlant.serialPrefix.withCString { serial in
                    try socket.withCString { socket in
                        var load = baseline_load(
                            socket: socket, connections: Int32(connections), station: station, serial: serial,
                            first: Int32(next), units: Int32(units), rounds: Int32(MeasuredPlant.stages.count))
                        try checked { baseline_load(&load, &times, &time, $0) }
                    }
                }
            }
            next += connections * units
            cpus.append(Double(baseline_cpu() + cpuTime(process) - before) / 1e3 / Double(times.count))
            rates.append(Double(times.count) / Double(time) * 1e9)
            spreads.append(Spread(times))
        }
        return ScanRow(
            connections: connections, scans_per_second: rates.median, latency: .median(spreads), cpu_us: cpus.median,
            aim_scans_per_second: connections == 64 ? 20_000 : nil, aim_p99_ms: connections == 64 ? 10 : nil)
    }

    private func register(_ count: Int, from first: Int) throws {
        for from in stride(from: first, to: first + count, by: 10_000) {
            let serials = (from..<min(from + 10_000, first + count)).map { "\"\(MeasuredPlant.serial($0))\"" }
            try request(
                "POST", "/v1/units",
                """
                {"product":"\(MeasuredPlant.product)","work_order":"\(MeasuredPlant.order)",\
                "serials":[\(serials.joined(separator: ","))]}
                """)
        }
    }

    private func request(
        _ method: String, _ path: String, _ body: String, type: String = "application/json"
    ) throws {
        var answer = [CChar](repeating: 0, count: 2_048)
        let status = try checked {
            baseline_request(socket, method, path, type, body, &answer, Int32(answer.count), $0)
        }
        guard status == 200 || status == 201 else {
            let text = String(decoding: answer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            throw Failure("\(method) \(path) answered \(status): \(text)")
        }
    }

    // MARK: The process

    /// Starts the daemon, and waits for its first answer. The time is nanoseconds.
    private func start() throws -> (process: pid_t, time: Int64) {
        let begin = baseline_now()
        let process = try spawn([daemon, "serve", "--directory", state, "--socket", socket], log)
        while (try? request("GET", "/v1/status", "")) == nil {
            guard baseline_now() - begin < 20_000_000_000, kill(process, 0) == 0, waitpid(process, nil, WNOHANG) == 0
            else { throw Failure("the daemon does not answer; see \(log)") }
            usleep(200)
        }
        return (process, baseline_now() - begin)
    }

    private func stop(_ process: pid_t) {
        kill(process, SIGTERM)
        _ = baseline_wait(process)
    }

    private func spawn(_ arguments: [String], _ log: String) throws -> pid_t {
        var pointers = arguments.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        return try checked { baseline_start(&pointers, log, $0) }
    }

    private func memory(_ when: String, _ process: pid_t) throws -> Memory {
        func kilobytes(_ field: String, _ file: String) throws -> Double {
            let text = try text("/proc/\(process)/\(file)")
            guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix(field + ":") }),
                let number = line.split(separator: " ").dropFirst().first.flatMap({ Double($0) })
            else { throw Failure("/proc/\(process)/\(file) does not say \(field)") }
            return number
        }
        return Memory(
            when: when, resident_mb: try kilobytes("VmRSS", "status") / 1_024,
            proportional_mb: try kilobytes("Pss", "smaps_rollup") / 1_024)
    }

    /// Processor time that a process has used, in nanoseconds; the kernel counts in ticks.
    private func cpuTime(_ process: pid_t) -> Int64 {
        guard let stat = try? text("/proc/\(process)/stat"), let end = stat.lastIndex(of: ")") else { return 0 }
        let fields = stat[end...].split(separator: " ").dropFirst()
        // utime and stime are fields 14 and 15 of the whole line, the state after the name being the third.
        let ticks = fields.dropFirst(11).prefix(2).compactMap { Int64($0) }.reduce(0, +)
        return ticks * 1_000_000_000 / Int64(sysconf(Int32(_SC_CLK_TCK)))
    }

    private func text(_ path: String) throws -> String {
        guard let file = fopen(path, "r") else { throw Failure("cannot read \(path)") }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 16_384)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes[..<count], as: UTF8.self)
    }

    // MARK: The command line

    private func call(_ command: String) throws -> CommandRow {
        func times(_ arguments: [String]) throws -> Spread {
            Spread(
                try (0..<100).map { _ in
                    let begin = baseline_now()
                    let status = baseline_wait(try spawn(arguments, directory + "/command.log"))
                    guard status == 0 else { throw Failure("\(arguments[0]) exited with \(status)") }
                    return baseline_now() - begin
                })
        }
        return CommandRow(
            whoami: try times([command, "whoami", "--socket", socket]), bin_true: try times(["/bin/true"]))
    }
}
