import ArgumentParser
import ControlAPI

struct Label: AsyncParsableCommand {
    static let configuration = CommandConfiguration.noun(
        "label", "Labels and their print jobs.", example: "label jobs --status failed",
        [Print.self, Preview.self, Jobs.self, Retry.self, Cancel.self])

    struct Print: UnitCall {
        static let configuration = CommandConfiguration.verb(
            "print", "Print a unit's label again, marked as a copy.",
            example: "label print PCB-100-2610-0001 --station LABEL-1")
        @Argument(help: .serial) var serial: String
        @Option(help: "The station whose printer prints it.") var station: String?
        @OptionGroup var options: CallOptions
        var request: Request { .post("labels", body: ["serial": .string(serial), "station": .text(station)]) }
        var view: View { .jobNow }
    }

    struct Preview: UnitCall {
        static let configuration = CommandConfiguration.verb(
            "preview", "Show what would be sent to the printer, filled in.", example: "label preview PCB-100-2610-0001")
        @Argument(help: .serial) var serial: String
        @Option(help: "The station whose printer would print it.") var station: String?
        @OptionGroup var options: CallOptions
        var request: Request { .get("units", serial, "label", query: ["station": station]) }
        var view: View {
            View { answer, _ in
                let zpl = answer["zpl"]?.string ?? ""
                return zpl.split(separator: "\n", omittingEmptySubsequences: false).map { visible($0) }
            }
        }
    }

    struct Jobs: ListCall {
        static let configuration = CommandConfiguration.verb(
            "jobs", "Print jobs, and why some wait.", example: "label jobs --status queued")
        @Option(help: "In this status.") var status: LabelStatus?
        @Option(help: .serial) var serial: String?
        @Option(parsing: .unconditional, help: .sort, completion: .list(["id", "-id"])) var sort: String?
        @OptionGroup var options: ListOptions
        var request: Request { .get("labels", query: ["status": status?.rawValue, "serial": serial, "order": sort]) }
        static let table = Table(
            columns: [
                Column("JOB", "id"), Column("SERIAL", "serial"), Column("STATUS", "status", .status),
                Column("PROBLEM", "problem", rank: 1, isWhole: true), Column("TRIES", "attempts", .number, rank: 4),
                Column("COPY", "copy", .number, rank: 5), Column("PRINTER", "printer", rank: 3, shrinks: true),
                Column("SINCE", "created_at", .time, rank: 2), .data("product"),
            ],
            empty: "No print jobs.")
    }

    struct Retry: Call {
        static let configuration = CommandConfiguration.verb(
            "retry", "Print a failed job again, from the start.", example: "label retry 4711")
        @Argument(help: .job) var job: String
        @OptionGroup var options: CallOptions
        var request: Request { .post("labels", job, "retry") }
        var view: View { .jobNow }
    }

    struct Cancel: Ending {
        static let configuration = CommandConfiguration.verb(
            "cancel", "Give a print job up.", example: "label cancel 4711")
        @Argument(help: .job) var job: String
        @OptionGroup var consent: Consent
        @OptionGroup var options: CallOptions
        func question(_ connection: Connection) async throws -> String? { "Give the print job \(visible(job)) up?" }
        var request: Request { .post("labels", job, "cancel") }
        var view: View { .jobNow }
    }
}

extension View {
    fileprivate static let jobNow = View.sentence { job in
        let problem = job["problem"].map { ": \($0.plain)" } ?? ""
        return
            "Label \(job["id"]?.plain ?? "?") of \(job["serial"]?.plain ?? "?") for \(job["printer"]?.plain ?? "?"): "
            + "\(job["status"]?.plain ?? "?")\(problem)."
    }
}

extension ArgumentHelp {
    fileprivate static let job: ArgumentHelp = "The job's id, from 'label jobs'."
}
