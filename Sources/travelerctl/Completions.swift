import ArgumentParser
import ControlAPI

// What a shell offers for a name: asked of the daemon while the line is typed; nothing where it is away.

extension CompletionKind {
    static let stations = names("stations", "name")
    static let products = names("products", "code")
    static let workOrders = names("work-orders", "number")
    static let defectTypes = names("defect-types", "code")
    static let suppliers = names("suppliers", "code")
    static let teams = names("teams", "code")
    static let logins = names("people", "login")

    private static func names(_ noun: String, _ key: String) -> CompletionKind {
        .custom { words, _, prefix in
            let usual = ControlSocket.path(option: nil, environment: environment(ControlSocket.variable))
            var connection = Connection(socket: usual)
            if let place = words.lastIndex(of: "--socket"), place + 1 < words.count {
                connection = Connection(socket: words[place + 1])
            }
            // A shell that waits is worse than one that offers nothing.
            let items = (try? await connection.items(.get(noun, patience: 2), atMost: 1_000)) ?? []
            return items.compactMap { $0["retired"]?.bool == true ? nil : $0[key]?.string }
                .filter { $0.hasPrefix(prefix) }
        }
    }
}
