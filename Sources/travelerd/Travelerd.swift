import ArgumentParser
import ControlAPI

/// The daemon: `serve`, and what is done while it is stopped.
@main
struct Travelerd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "travelerd",
        abstract: "Tracks every serial-numbered unit on a shop floor.",
        discussion: """
            Without a subcommand it serves: it owns the ledger, the scanners and the printers, and answers travelerctl
            on a local socket.

            Try it without installing anything:
              travelerd serve --directory /tmp/plant --socket /tmp/plant/control.sock
            """,
        version: Release.version,
        subcommands: [Serve.self, RunScenarios.self, Check.self, Restore.self, Keystrokes.self],
        defaultSubcommand: Serve.self)
}

/// Where the ledger is.
struct Place: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Directory of the ledger (default: $STATE_DIRECTORY, else /var/lib/traveler).", valueName: "directory"))
    var directory: String?

    /// The directory, or the one that systemd or the file hierarchy gives.
    var path: String {
        directory ?? environment("STATE_DIRECTORY") ?? "/var/lib/traveler"
    }
}
