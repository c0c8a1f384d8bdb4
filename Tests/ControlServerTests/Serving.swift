import Logging
import ServiceLifecycle

@testable import ControlServer

/// Serves a shop at a socket for as long as `body` runs, and returns once the server has stopped.
func serving(
    _ shop: Shop, path: String? = nil, limits: HTTPLimits = HTTPLimits(), _ body: (_ path: String) async throws -> Void
) async throws {
    let path = path ?? shop.directory + "/control.sock"
    let logger = Logger(label: "tests", factory: { _ in SwiftLogNoOpLogHandler() })
    let (listening, listens) = AsyncStream.makeStream(of: Void.self)
    let server = ControlServer(shop.control, peers: Peers(), path: path, limits: limits, logger: logger) {
        listens.finish()
    }
    let group = ServiceGroup(configuration: .init(services: [server], gracefulShutdownSignals: [], logger: logger))
    let running = Task { try await group.run() }
    for await _ in listening {}
    do {
        try await body(path)
    } catch {
        running.cancel()
        throw error
    }
    await group.triggerGracefulShutdown()
    try await running.value
}
