import FoundationEssentials

/// Everything that was measured.
struct Report: Codable {
    var processors: Int
    /// Processes that wanted a processor when it began, in the mean of a minute. The ratios bear company; the rates don't.
    var load_average: Double
    /// Appending 4 KB and waiting for the disk.
    var sync: Spread
    var ledger: [LedgerBench.Row] = []
    var daemon: DaemonBench.Answer?

    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}

// MARK: As a table, 80 columns wide

extension Report {
    var heading: String {
        """
        \(processors) processors, load \(load_average.text(2)); 4 KB to the disk: \
        median \(sync.p50_ms.text(2)) ms, p99 \(sync.p99_ms.text(2)) ms
        """
    }
}

extension LedgerBench.Row {
    static let heading = """

        Durable scans in the ledger, beside plain C over SQLite with the same rows
                       |             ledger              |       plain C         |
        callers  batch | scans/s  p50 ms  p99 ms  cpu us | scans/s p99 ms cpu us | ratio
        """

    var text: String {
        row(
            (callers.description, 7), (batch.text(1), 7), (" |", 0), (ledger.scans_per_second.grouped, 8),
            (ledger.latency.p50_ms.text(2), 8), (ledger.latency.p99_ms.text(2), 8), (ledger.cpu_us.text(1), 8),
            (" |", 0), (c.scans_per_second.grouped, 8), (c.latency.p99_ms.text(2), 7), (c.cpu_us.text(1), 7),
            (" |", 0), (ratio.text(2), 5), (ratio >= aim ? "" : "<\(aim.text(1))", 0))
    }
}

extension DaemonBench.Answer {
    var text: String {
        var lines = [
            "", "Durable scans over the control socket, client included",
            "connections  scans/s   p50 ms   p99 ms  cpu us   aim",
        ]
        lines += scans.map { scan in
            let aim = scan.aim_scans_per_second.map { "\($0.grouped)/s, p99 \((scan.aim_p99_ms ?? 0).text(0)) ms" }
            return row(
                (scan.connections.description, 11), (scan.scans_per_second.grouped, 9),
                (scan.latency.p50_ms.text(2), 9), (scan.latency.p99_ms.text(2), 9), (scan.cpu_us.text(1), 8),
                ("   " + (aim ?? "-"), 0))
        }
        lines += ["", "Times and sizes                    median      p99   aim"]
        func add(_ what: String, _ spread: Spread, _ aim: String = "-") {
            lines.append(
                what.padded(29)
                    + row((spread.p50_ms.text(1), 9), (" ms", 0), (spread.p99_ms.text(1), 6), (" ms   " + aim, 0)))
        }
        if let command {
            add("travelerctl whoami", command.whoami, "\(command.aim_p50_ms.text(0)) ms")
            add("/bin/true", command.bin_true)
            let more = (command.whoami.p50_ms - command.bin_true.p50_ms).text(1)
            lines.append("  (\(more) ms more than starting any program)")
        }
        add("start to first answer, new", start.empty)
        add("start to first answer, loaded", start.after_load)
        for item in memory {
            lines.append(
                "memory \(item.when)".padded(29)
                    + row((item.resident_mb.text(1), 9), (" MB resident, ", 0), (item.proportional_mb.text(1), 0))
                    + " MB proportional" + (item.when.hasPrefix("idle") ? "   30 MB" : ""))
        }
        return lines.joined(separator: "\n")
    }
}

/// Cells, each at the right of its width.
private func row(_ cells: (text: String, width: Int)...) -> String {
    cells.map { String(repeating: " ", count: max(0, $0.width - $0.text.count)) + $0.text }.joined()
}

extension String {
    fileprivate func padded(_ width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}

extension Double {
    /// With this many digits behind the point.
    func text(_ digits: Int) -> String {
        var power = 1.0
        for _ in 0..<digits { power *= 10 }
        let scaled = Int((self * power).rounded())
        guard digits > 0 else { return String(scaled) }
        let tail = String(abs(scaled) % Int(power))
        return "\(scaled < 0 ? "-" : "")\(abs(scaled) / Int(power))."
            + String(repeating: "0", count: digits - tail.count) + tail
    }

    /// Without a fraction, in groups of three.
    var grouped: String {
        var text = ""
        for (index, digit) in String(Int(rounded())).reversed().enumerated() {
            if index > 0, index % 3 == 0 { text = "," + text }
            text = String(digit) + text
        }
        return text
    }
}
