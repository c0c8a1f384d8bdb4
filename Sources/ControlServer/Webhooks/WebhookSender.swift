import ControlAPI
public import Ledger
public import Logging
public import ServiceLifecycle
public import Tracking

/// Sends what is in the outbox to its webhooks. Each has a task of its own that sends one event after the other, so that
/// a slow one holds up nobody else; and none of this is ever waited for by who records the events.
public actor WebhookSender: Service {
    private let ledger: Ledger
    private let clock: @Sendable () -> Moment
    private let client: WebhookClient
    private let log: Logger
    private var busy: Set<String> = []
    private let (wakes, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    /// Events that are read at once.
    private static let portion = 50
    /// What is put off is looked for this often.
    private static let pause = Duration.seconds(1)

    /// A sender of a ledger's events.
    public init(ledger: Ledger, clock: @escaping @Sendable () -> Moment = Ledger.systemClock, log: Logger) {
        self.init(ledger: ledger, clock: clock, client: WebhookClient(), log: log)
    }

    init(ledger: Ledger, clock: @escaping @Sendable () -> Moment, client: WebhookClient, log: Logger) {
        (self.ledger, self.clock, self.client, self.log) = (ledger, clock, client, log)
    }

    /// Sends until the task is cancelled or told to shut down gracefully.
    public func run() async throws {
        await cancelWhenGracefulShutdown { await self.send() }
    }

    private func send() async {
        await withDiscardingTaskGroup { group in
            group.addTask { [ledger, wake] in
                for await _ in ledger.heads() { wake.yield() }
            }
            group.addTask { [wake] in
                while (try? await Task.sleep(for: Self.pause)) != nil { wake.yield() }
            }
            for await _ in wakes {
                let (idle, now) = (ledger.plant.webhooks.keys.filter { !busy.contains($0) }, clock().steady)
                if idle.isEmpty { continue }
                guard let due = try? await ledger.read({ try $0.webhooksDue(among: idle, by: now) }) else { continue }
                for id in due where busy.insert(id).inserted {
                    group.addTask { await self.sendAll(to: id) }
                }
            }
            group.cancelAll()
        }
    }

    private func sendAll(to id: String) async {
        defer {
            busy.remove(id)
            // What came while the last look was taken.
            wake.yield()
        }
        while !Task.isCancelled {
            let now = clock().steady
            guard let due = try? await ledger.read({ try $0.due(webhook: id, by: now, limit: Self.portion) }) else {
                // Asked again at once, it would fail again.
                try? await Task.sleep(for: Self.pause)
                return
            }
            if due.isEmpty { return }
            for (delivery, event) in due {
                if Task.isCancelled { return }
                guard await send(delivery, event) else { return }
            }
        }
    }

    /// Sends an event and puts on record what became of it. Answers false where the daemon stops.
    private func send(_ delivery: WebhookDelivery, _ event: EventRecord) async -> Bool {
        let plant = ledger.plant
        var (after, isDone) = (delivery, true)
        if let hook = plant.webhooks[delivery.webhook], !hook.retired,
            let admin = Access(login: "webhook", isAdmin: true, in: plant)
        {
            guard let secret = try? ledger.webhookSecrets(hook.id) else { return false }
            let body = ShownEvent(record: event, isRedacted: false).json(for: admin).jsonBytes
            let seconds = clock().wall / 1_000
            let signature = Ledger.signature(of: body, at: seconds, secret: secret)
            do throws(WebhookFailure) {
                try await client.post(
                    body, to: hook.url,
                    [
                        ("Content-Type", "application/json"), ("Traveler-Webhook", hook.id),
                        ("Traveler-Event", String(event.id)), ("Traveler-Kind", event.event.kind.rawValue),
                        ("Traveler-Timestamp", String(seconds)), ("Traveler-Signature", "sha256=" + signature),
                    ])
            } catch {
                // A stop of the daemon says nothing of the receiver.
                if Task.isCancelled { return false }
                (after, isDone) = (delivery.failed(error.message, at: clock().steady), false)
                log.log(
                    level: after.isDead ? .error : .notice, "a webhook did not take an event",
                    metadata: [
                        "webhook": "\(hook.id)", "event": "\(event.id)", "attempts": "\(after.attempts)",
                        "problem": "\(error.message)",
                    ])
            }
        }
        return await record(after, isDone: isDone)
    }

    /// Puts on record what became of an attempt, however long that takes: what was sent is not to be sent again because
    /// the disk is full. Answers false where the daemon stops meanwhile; then it is sent once more, and receivers know an
    /// event by its number.
    private func record(_ delivery: WebhookDelivery, isDone: Bool) async -> Bool {
        var isLogged = false
        while true {
            do {
                try await ledger.submit(.recordDelivery(delivery, isDone: isDone), by: .system) { _, _ in
                    StoredAnswer(status: 200, body: [])
                }
                return true
            } catch {
                if !isLogged {
                    log.error("cannot record what became of an event that was sent, and goes on trying: \(error)")
                }
                isLogged = true
            }
            guard (try? await Task.sleep(for: Self.pause)) != nil else { return false }
        }
    }
}
