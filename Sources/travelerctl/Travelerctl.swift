import ArgumentParser
import ControlAPI
import Glibc

/// The command line of the traveler daemon.
@main
struct Travelerctl: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "travelerctl",
        abstract: "Follow every serial-numbered unit through the shop.",
        discussion: """
            EXAMPLE:
              travelerctl status
              travelerctl unit history PCB-100-2610-0001

            Exit status: 0 done, 1 refused by a rule, 64 wrong usage, 66 not found, 69 daemon not reachable, \
            75 try again, 77 not permitted. TRAVELER_SOCKET or --socket names another daemon.
            """,
        version: Release.version,
        groupedSubcommands: [
            CommandGroup(
                name: "The Floor", subcommands: [Scan.self, Station.self, Watch.self, Label.self, ControlSheet.self]),
            CommandGroup(
                name: "Units and Stock",
                subcommands: [
                    Unit.self, Product.self, WorkOrder.self, Deliver.self, Delivery.self, Supplier.self,
                ]),
            CommandGroup(name: "The Defect Desk", subcommands: [Defect.self, DefectType.self, SparePart.self]),
            CommandGroup(
                name: "Customers' Returns", subcommands: [Return.self, Repacking.self, QCTask.self, Customer.self]),
            CommandGroup(name: "Looking Back", subcommands: [Log.self, Report.self, Audit.self]),
            CommandGroup(
                name: "Running It",
                subcommands: [
                    Status.self, WhoAmI.self, Site.self, Device.self, Backup.self, Person.self, Team.self,
                    Department.self, Webhook.self,
                ]),
        ])

    static func main() async {
        var arguments = Array(CommandLine.arguments.dropFirst())
        // The parser knows the option of every command only after the command.
        if let path = takeSocket(from: &arguments) { setenv(ControlSocket.variable, path, 1) }
        if let unknown = unknownCommand(arguments) {
            Output.note(Failure(.usage, unknown).text(json: false, Screen(descriptor: 2)))
            Glibc.exit(ExitStatus.usage.rawValue)
        }
        await main(LongRow.fold(arguments))
    }

    /// Takes `--socket PATH` or `--socket=PATH` from before the command.
    static func takeSocket(from arguments: inout [String]) -> String? {
        guard let first = arguments.first else { return nil }
        if first == "--socket", arguments.count > 1 {
            defer { arguments.removeFirst(2) }
            return arguments[1]
        }
        guard first.hasPrefix("--socket=") else { return nil }
        arguments.removeFirst()
        return String(first.dropFirst("--socket=".count))
    }
}

extension CommandConfiguration {
    /// A command that does something.
    static func verb(
        _ name: String, _ abstract: String, example: String..., more: String = "", aliases: [String] = []
    ) -> CommandConfiguration {
        CommandConfiguration(
            commandName: name, abstract: abstract, discussion: discussion(example, more), aliases: aliases)
    }

    /// A noun, with the commands that it has.
    static func noun(
        _ name: String, _ abstract: String, example: String, _ verbs: [any ParsableCommand.Type]
    ) -> CommandConfiguration {
        CommandConfiguration(
            commandName: name, abstract: abstract, discussion: discussion([example], ""), subcommands: verbs)
    }

    private static func discussion(_ examples: [String], _ more: String) -> String {
        (more.isEmpty ? "" : more + "\n\n") + "EXAMPLE:\n"
            + examples.map { "  travelerctl " + $0 }.joined(separator: "\n")
    }
}
