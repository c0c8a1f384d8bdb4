import Crypto
import FoundationEssentials
public import Tracking

// Events on their way to webhooks. They come into the outbox in the transaction that they are recorded in, so none is
// lost, and leave it once they were taken. It is in hand, not history: it is not rebuilt.

extension Store {
    /// Puts an event into the outbox of everybody who is told of its kind.
    func post(_ event: Event, number: Int64, at moment: Moment, in plant: Plant) throws {
        for hook in plant.webhooks(for: event.kind) {
            try put(WebhookDelivery(webhook: hook.id, event: number, nextAt: moment.steady), isDone: false)
        }
    }

    /// Brings in what an earlier run of the daemon put off, by a steady clock of its own: nothing waits longer than the
    /// longest delay from now.
    func takeOutboxOver(at now: Moment) throws {
        let latest = now.steady + (WebhookDelivery.delays.max() ?? 0)
        let waits = try connection.rows(
            "SELECT 1 FROM outbox WHERE dead = 0 AND next_at > ?1 LIMIT 1", [.int(latest)], { _ in true })
        if waits.isEmpty { return }
        try run(
            """
            UPDATE outbox SET next_at = ?1, check_value = row_check(webhook, event, attempts, ?1, dead, problem)
            WHERE dead = 0 AND next_at > ?2
            """, [.int(now.steady), .int(latest)])
    }

    /// Writes what became of an attempt.
    func put(_ delivery: WebhookDelivery, isDone: Bool) throws {
        let key: [Value] = [.text(delivery.webhook), .int(delivery.event)]
        if isDone { return try run("DELETE FROM outbox WHERE webhook = ?1 AND event = ?2", key) }
        try run(
            """
            INSERT OR REPLACE INTO outbox
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, row_check(CAST(?1 AS INTEGER), ?2, ?3, ?4, ?5, ?6))
            """,
            key + [
                .int(Int64(delivery.attempts)), .int(delivery.nextAt), .int(delivery.isDead ? 1 : 0),
                Value(delivery.problem),
            ])
    }
}

extension StoredRecords {
    func isInOutbox(webhook: String, event: Int64) -> Bool {
        first(
            "SELECT 1 FROM outbox WHERE webhook = ?1 AND event = ?2",
            {
                $0.bind(1, webhook)
                $0.bind(2, event)
            }
        ) { _ in true } ?? false
    }
}

extension Connection {
    /// Of these webhooks, those that have something to be sent by a time of the steady clock. One look for each, however
    /// much waits.
    public func webhooksDue(among ids: [String], by time: Int64) throws -> [String] {
        try ids.filter { id in
            try first(Self.isDue(webhook: id, by: time)) { _ in true } ?? false
        }
    }

    static func isDue(webhook id: String, by time: Int64) -> SQL {
        """
        SELECT 1 FROM outbox INDEXED BY outbox_due
        WHERE webhook = \(Int64(id) ?? -1) AND dead = 0 AND next_at <= \(time) LIMIT 1
        """
    }

    /// By the events' order, not by `outbox_due`: that would sort all that waits for each portion of it.
    static func due(webhook id: String, by time: Int64, limit: Int) -> SQL {
        """
        SELECT event, attempts, next_at, dead, problem, webhook FROM outbox
        WHERE webhook = \(Int64(id) ?? -1) AND +dead = 0 AND next_at <= \(time) ORDER BY event LIMIT \(limit)
        """
    }

    /// What is to be sent to a webhook by a time of the steady clock, oldest events first, with the events.
    public func due(
        webhook: String, by time: Int64, limit: Int
    ) throws -> [(delivery: WebhookDelivery, event: EventRecord)] {
        let rows = try select(Self.due(webhook: webhook, by: time, limit: limit), WebhookDelivery.init(row:))
        return try rows.compactMap { delivery in
            let record = try first(
                "SELECT \(EventRow.columns(of: "event")) FROM event WHERE event.id = \(delivery.event)",
                EventRecord.init(row:))
            return record.map { (delivery, $0) }
        }
    }

    /// What is on its way to a webhook, or was given up, by event.
    ///
    /// - Throws: `Refusal` for a cursor that is none.
    public func outbox(webhook: String, dead: Bool?, _ page: Page) throws -> Listing<WebhookDelivery> {
        let source: SQL = dead == true ? "outbox INDEXED BY outbox_dead WHERE dead = 1 AND" : "outbox WHERE"
        let walk = Walk(
            key: "event", sources: [source + " webhook = \(Int64(webhook) ?? -1)"],
            rows: "outbox ON outbox.event = walk.key AND outbox.webhook = \(Int64(webhook) ?? -1)",
            condition: dead.map { "outbox.dead = \($0 ? 1 : 0)" } ?? .always)
        let columns: SQL =
            "outbox.event, outbox.attempts, outbox.next_at, outbox.dead, outbox.problem, outbox.webhook"
        var listing = try self.page(walk, page, columns, WebhookDelivery.init(row:))
        if page.total { listing.total = try count(walk) }
        return listing
    }
}

extension WebhookDelivery {
    fileprivate init(row: Statement) {
        self.init(webhook: row.text(5), event: row.int(0), nextAt: row.int(2))
        (attempts, isDead, problem) = (Int(row.int(1)), row.int(3) != 0, row.optionalText(4))
    }
}

extension Ledger {
    /// The secret that what is sent to a webhook is signed with: 64 hexadecimal digits. It follows from the plant's own
    /// key, so it is not kept anywhere.
    /// - Throws: `StorageError` where the plant's key can't be read.
    public var webhookSecrets: @Sendable (_ id: String) -> String {
        get throws {
            let key = try plantKey
            return { id in
                Self.hexadecimal(Array(HMAC<SHA256>.authenticationCode(for: Array("webhook:\(id)".utf8), using: key)))
            }
        }
    }

    /// The signature of a body that is sent at a time (seconds since 1970): HMAC-SHA256 over the time, a point and the
    /// body, keyed with the secret's text, in hexadecimal digits.
    public static func signature(of body: [UInt8], at seconds: Int64, secret: String) -> String {
        let key = SymmetricKey(data: Array(secret.utf8))
        return hexadecimal(
            Array(HMAC<SHA256>.authenticationCode(for: Array("\(seconds).".utf8) + body, using: key)))
    }
}
