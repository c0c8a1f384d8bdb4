import ControlAPI
import Ledger
import Tracking

/// Server-sent events (WHATWG HTML, section 9.2).
enum EventStream {
    /// A quiet stream says something this often, so that both ends know that the other is there.
    static let keepAlive = Duration.seconds(15)

    static let comment = Array(":\n\n".utf8)

    static func event(id: Int64?, _ name: String, _ json: [UInt8]) -> [UInt8] {
        var bytes = Array((id.map { "id: \($0)\n" } ?? "").utf8)
        bytes += Array("event: \(name)\ndata: ".utf8)
        bytes += json
        bytes += [0x0A, 0x0A]
        return bytes
    }

    /// An answer that goes on until its body returns or its reader leaves.
    static func response(_ body: @escaping @Sendable (_ send: ControlResponse.Send) async throws -> Void)
        -> ControlResponse
    {
        ControlResponse(status: 200, contentType: "text/event-stream", body: .stream(body))
    }

    /// Calls `body` with each element of a source, and with nil where none came for a while, until it answers false.
    ///
    /// - Parameter depth: elements kept for a slow reader; older ones are lost.
    static func forEach<Element: Sendable>(
        in source: AsyncStream<Element>, depth: Int, _ body: (Element?) async throws -> Bool
    ) async throws {
        let (merged, continuation) = AsyncStream.makeStream(of: Element?.self, bufferingPolicy: .bufferingNewest(depth))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for await element in source { continuation.yield(element) }
                continuation.finish()
            }
            group.addTask {
                while true {
                    try await Task.sleep(for: keepAlive)
                    continuation.yield(nil)
                }
            }
            defer { group.cancelAll() }
            for await element in merged {
                guard try await body(element) else { return }
            }
            try Task.checkCancellation()
        }
    }
}

/// Follows the record of events from one number on, for one caller.
///
/// History and what is new come by the same way, pages of the ledger by number, so nothing is lost or told twice between
/// the two. What the caller may see is decided anew for each event.
struct EventFollower {
    let call: Call
    let filter: EventFilter
    /// Everything up to this event is done with.
    var last: Int64

    /// Events of one portion. Others that wait get theirs in between.
    private static let page = 200

    private struct Portion: Sendable {
        var bytes: [UInt8]
        var last: Int64
        var nextCursor: String?
        var isEmpty: Bool
    }

    /// Sends what there is by now. Returns whether something was sent, or nil once the caller has no right any more.
    mutating func catchUp(_ send: ControlResponse.Send) async throws -> Bool? {
        var hasSent = false
        var cursor: String?
        while true {
            let caller = await call.control.refresh(call.caller)
            let plant = call.ledger.plant
            guard let access = Access(caller, in: plant), access.may(.see) else { return nil }
            var filter = filter
            filter.after = last
            let page = Page(limit: Self.page, cursor: cursor)
            // Read and made into text in one go, on the lane of replays.
            let portion = try await call.read { [filter, last] db in
                // What is recorded between these two reads is told the next time.
                let head = try db.head()
                let listing = try db.shownEvents(filter, for: access, in: plant, page)
                var portion = Portion(
                    bytes: [], last: listing.nextCursor == nil ? max(last, head) : listing.items.last?.id ?? last,
                    nextCursor: listing.nextCursor, isEmpty: listing.items.isEmpty)
                for event in listing.items {
                    let json = event.json(for: access).jsonBytes
                    portion.bytes += EventStream.event(id: event.id, event.record.event.kind.rawValue, json)
                }
                return portion
            }
            // Who lost a right meanwhile gets nothing that it showed.
            if Access(caller, in: call.ledger.plant) != access {
                cursor = nil
                continue
            }
            if !portion.isEmpty {
                try await send(portion.bytes)
                hasSent = true
            }
            (last, cursor) = (portion.last, portion.nextCursor)
            if cursor == nil { return hasSent }
        }
    }
}

extension Connection {
    /// The number of the last event.
    func head() throws -> Int64 { try number("SELECT coalesce(max(id), 0) FROM event") }
}
