import ControlAPI
import Ledger
import Tracking

extension Control {
    static let labelRoutes =
        [
            Route(
                .get, "/labels", "Label jobs of the caller's teams", .printLabels,
                query: Route.list(
                    ["-id", "id"],
                    [
                        .init("status", .word(LabelJobStatus.self), "In this status."),
                        .init("serial", .filter, "For this serial."),
                    ]), output: .json(.page(.named(.labelJob)))
            ) { call in
                let filter = LabelJobFilter(
                    status: call.word("status"), serial: call.query["serial"]?.string)
                let (access, plant, page) = (call.access, call.plant, call.page)
                return call.list(try await call.read { try $0.labelJobs(filter, for: access, in: plant, page) }) {
                    $0.json
                }
            },
            Route(
                .post, "/labels", "Print a unit's label again, marked as a copy", .printLabels,
                input: .json([
                    Property("serial", .serial),
                    Property(
                        "station", .station,
                        "The station at whose printer it comes out; without one, where it was printed before.",
                        optional: true),
                ]), output: .json(.named(.labelJob), status: 201)
            ) { call in
                let command = Command.printLabel(call.field("serial"), station: call.body["station"]?.string)
                return try await call.submit(command, status: 201) { state, decision in
                    decision.created.flatMap { Int64($0) }.flatMap { state.labelJob($0) }?.json ?? [:]
                }
            },
            Route(.get, "/labels/{id}", "One label job", .printLabels, output: .json(.named(.labelJob))) { call in
                let (id, access, plant) = (try call.labelJobID(), call.access, call.plant)
                guard let job = try await call.read({ try $0.labelJob(id, for: access, in: plant) }) else {
                    throw call.notFound("label job", call.path("id"))
                }
                return call.json(job.json)
            },
        ]
        + [
            ("retry", "Try a label job again at once", { @Sendable in Command.retryLabel($0) }),
            ("cancel", "A label job is not wanted any more", { @Sendable in Command.cancelLabel($0) }),
        ].map { (verb: String, summary: String, command: @escaping @Sendable (Int64) -> Command) in
            Route(
                .post, "/labels/{id}/\(verb)", summary, .printLabels, input: .json([]),
                output: .json(.named(.labelJob))
            ) { call in
                let id = try call.labelJobID()
                return try await call.submit(command(id)) { state, _ in state.labelJob(id)?.json ?? [:] }
            }
        }
}

extension Call {
    fileprivate func labelJobID() throws -> Int64 {
        guard let id = Int64(path("id")) else { throw notFound("label job", path("id")) }
        return id
    }
}
