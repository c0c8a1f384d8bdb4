import Glibc
import Tracking

/// What the daemon counts, in the text of OpenMetrics 1.0.
struct Metrics {
    static let mediaType = "application/openmetrics-text; version=1.0.0; charset=utf-8"

    var version: String
    /// Seconds since the start.
    var uptime: Int64
    /// Number of the last event.
    var head: Int64
    /// Scans since the start.
    var scans: [(result: ScanAnswer.Result, count: Int)]
    /// Label jobs that are not done with.
    var labelJobs: [(status: String, count: Int)]
    /// Size of the write-ahead log.
    var logBytes: Int
    /// Memory of the process.
    var residentBytes: Int

    var text: String {
        var text = ""
        func family(_ name: String, _ type: String, _ help: String, _ samples: [(labels: String, value: String)]) {
            text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
            let suffix =
                switch type {
                case "counter": "_total"
                case "info": "_info"
                default: ""
                }
            for (labels, value) in samples {
                text += "\(name)\(suffix)\(labels.isEmpty ? "" : "{\(labels)}") \(value)\n"
            }
        }
        func gauge(_ name: String, _ help: String, _ value: some BinaryInteger) {
            family(name, "gauge", help, [("", "\(value)")])
        }
        let version = version.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        family("traveler", "info", "Version of the daemon.", [("version=\"\(version)\"", "1")])
        gauge("traveler_uptime_seconds", "Seconds since the start.", uptime)
        family(
            "traveler_scans", "counter", "Scans since the start.",
            scans.map { ("result=\"\($0.result.rawValue)\"", "\($0.count)") })
        gauge("traveler_events_recorded", "Number of the last event.", head)
        family(
            "traveler_label_jobs", "gauge", "Label jobs that are not done with.",
            labelJobs.map { ("status=\"\($0.status)\"", "\($0.count)") })
        gauge("traveler_wal_bytes", "Size of the ledger's write-ahead log.", logBytes)
        gauge("process_resident_memory_bytes", "Memory of the process.", residentBytes)
        return text + "# EOF\n"
    }

    /// Memory of this process, or 0 where the system does not say.
    static var residentBytes: Int {
        guard let file = fopen("/proc/self/statm", "re") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 128)
        guard fgets(&line, Int32(line.count), file) != nil else { return 0 }
        let words = line.prefix { $0 != 0 }.split(separator: CChar(UInt8(ascii: " ")))
        guard words.count > 1 else { return 0 }
        let pages = Int(String(decoding: words[1].map { UInt8(bitPattern: $0) }, as: UTF8.self)) ?? 0
        return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }
}
