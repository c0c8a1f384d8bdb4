import ArgumentParser
import ControlAPI

struct Device: AsyncParsableCommand {
    static let configuration = CommandConfiguration.noun(
        "device", "Scanners and printers: which are there, and whose they are.", example: "device pair QA-1",
        [List.self, Pair.self, Unbind.self])

    struct List: ListCall {
        static let configuration = CommandConfiguration.verb(
            "list", "Every scanner and printer: present, absent, bound, last scan, errors.", example: "device list")
        @Option(help: .station, completion: .stations) var station: String?
        @Option(parsing: .unconditional, help: .sort, completion: .list(["device", "-device"])) var sort: String?
        @OptionGroup var options: ListOptions
        var request: Request { .get("devices", query: ["station": station, "order": sort]) }
        static let table = Table(
            columns: [
                Column("STATION", "station"), Column("STATE", "state", .status), Column("KIND", "kind", rank: 4),
                Column("DEVICE", "device"), Column("NAME", "name", rank: 3, shrinks: true),
                Column("LAST SCAN", "last_scan_at", .time, rank: 2), Column("SCANS", "scans", .number, rank: 6),
                Column("BROKEN", "errors", .number, rank: 5), Column("PROBLEM", "problem", rank: 1, isWhole: true),
                .data("layout"), .data("node"), .data("port"), .data("serial"), .data("known"), .data("since"),
            ],
            empty: "No scanners or printers.",
            hint: .init("Plug one in, then 'travelerctl device pair STATION'.", to: "administer"))
    }

    struct Pair: AsyncParsableCommand {
        static let configuration = CommandConfiguration.verb(
            "pair", "Show a code; the scanner that reads it within a minute belongs to the station from then on.",
            example: "device pair QA-1", "device pair QA-1 --print",
            more: """
                The scanner is known again by the place where it is plugged in, or with '--by serial' by its own serial \
                number. The code also tells the keyboard layout that the scanner types in.
                """)
        @Argument(help: .station, completion: .stations) var station: String
        @Option(help: "By what the scanner is known from then on.") var by: Binding?
        @Flag(help: "Print the code at the station's printer, too.") var print = false
        @Flag(help: "Print what became of it as one JSON document; the code goes to standard error.") var json = false
        @OptionGroup var daemon: SocketOption

        func run() async throws {
            try await reporting(json: json) {
                let connection = daemon.connection
                var pairing = try await connection.call(
                    .post(
                        "devices", "pair",
                        body: [
                            "station": .string(station), "by": .text(by?.rawValue), "print": print ? .bool(true) : nil,
                        ]))
                let code = pairing["code"]?.string ?? ""
                if json { Output.note(visible(code)) } else { show(code) }
                var asked = 0
                while pairing["state"]?.string == "waiting" {
                    try await Task.sleep(for: .milliseconds(250))
                    asked += 1
                    pairing = try await connection.call(.get("devices", "pair", station))
                    // Begun again from another terminal: this code is none any more.
                    if pairing["code"]?.string != code { pairing = ["state": "expired", "station": .string(station)] }
                    if !json { countDown(60 - asked / 4) }
                }
                try report(pairing)
            }
        }

        private func show(_ code: String) {
            let screen = Screen(descriptor: 1)
            Output.lines(
                ["Read this code with the scanner of \(visible(station)):", ""] + Bars.lines(code, screen)
                    + ["", "  \(visible(code))", ""])
        }

        private func countDown(_ seconds: Int) {
            let screen = Screen(descriptor: 2)
            guard screen.height != nil else { return }
            Output.write(Array("\r\(max(0, seconds)) s left; Ctrl-C gives up \u{1B}[K".utf8), to: 2)
        }

        private func report(_ pairing: JSONValue) throws {
            if !json, Screen(descriptor: 2).height != nil { Output.write(Array("\r\u{1B}[K".utf8), to: 2) }
            if json { Output.line(pairing.json) }
            switch pairing["state"]?.string {
            case "paired":
                let layout = pairing["layout"]?.plain ?? "us"
                if !json {
                    Output.line(
                        "\(visible(station)) has the scanner \(pairing["device"]?.plain ?? "?") (layout \(layout)).")
                }
            case "failed":
                if !json { Output.note("travelerctl: \(pairing["problem"]?.plain ?? "the scanner was not bound")") }
                throw ExitCode(ExitStatus.refused.rawValue)
            default:
                if !json {
                    Output.note(
                        "travelerctl: no scanner read the code in time. Is it plugged in ('travelerctl device list'), and "
                            + "does it end a scan with Enter?")
                }
                throw ExitCode(ExitStatus.tryAgain.rawValue)
            }
        }
    }

    struct Unbind: Ending {
        static let configuration = CommandConfiguration.verb(
            "unbind", "Take a scanner from its station.", example: "device unbind port:pci-0000:00:14.0-usb-0:2:1.0")
        @Argument(help: "The scanner's address, from 'device list'.") var device: String
        @OptionGroup var consent: Consent
        @OptionGroup var options: CallOptions
        func question(_ connection: Connection) async throws -> String? {
            let found = try await connection.items(.get("devices")).first { $0["device"]?.string == device }
            return found?["station"].map { "Take the scanner \(visible(device)) from \($0.plain)?" }
        }
        var request: Request { .post("devices", device, "unbind") }
        var view: View {
            .sentence { "\($0["station"]?.plain ?? "?") no longer has the scanner \($0["device"]?.plain ?? "?")." }
        }
    }
}
