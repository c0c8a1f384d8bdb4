public import Barcodes
public import Ledger
import Synchronization
public import Tracking

/// Brings the frames of bound scanners to the ledger: in order at each station, together across stations.
public final class ScannerIntake: Sendable {
    /// What came of a frame.
    public enum Outcome: Sendable {
        /// It was answered; `storage_full` where it could not be recorded.
        case answered(ScanAnswer)
        /// The station was retired before the frame's turn came.
        case lost(station: String, any Error)
        /// No station of the plant is bound to the node.
        case unbound(node: String)
    }

    private struct Arrival: Sendable {
        var frame: Frame
        var node: String
    }

    private let ledger: Ledger
    private let told: @Sendable (Outcome) -> Void
    private let lanes = Mutex<[String: AsyncStream<Arrival>.Continuation]>([:])

    /// - Parameter told: called after each frame, in order for each station.
    public init(ledger: Ledger, told: @escaping @Sendable (Outcome) -> Void) {
        (self.ledger, self.told) = (ledger, told)
    }

    deinit {
        lanes.withLock { $0.values.forEach { $0.finish() } }
    }

    /// Takes a frame from a node; returns at once.
    public func take(_ frame: Frame, from node: String) {
        let bound = ledger.plant.stations.values.first { station in
            !station.retired && station.scanners.contains { $0.node == node }
        }
        guard let station = bound?.name else { return told(.unbound(node: node)) }
        let arrival = Arrival(frame: frame, node: node)
        let lane = lanes.withLock { lanes in
            if let lane = lanes[station] { return lane }
            let (stream, continuation) = AsyncStream.makeStream(of: Arrival.self)
            lanes[station] = continuation
            Task { [ledger, told] in
                for await arrival in stream {
                    told(await Self.record(arrival, at: station, in: ledger))
                }
            }
            return continuation
        }
        lane.yield(arrival)
    }

    private static func record(_ arrival: Arrival, at station: String, in ledger: Ledger) async -> Outcome {
        let frame = arrival.frame
        let scan =
            switch frame.outcome {
            case .complete: Scan(station: station, text: frame.text, code: Code(frame: frame.text))
            case .broken(let why): Scan(station: station, text: frame.text, broken: why.sentence)
            }
        do {
            return .answered(try await ledger.scan(scan, by: .device(arrival.node), device: arrival.node))
        } catch {
            return .lost(station: station, error)
        }
    }
}

extension Frame.Broken {
    /// What happened, for the operator.
    var sentence: String {
        switch self {
        case .pause: "it stopped in the middle"
        case .dropped: "keys were lost"
        case .tooLong: "it is longer than \(Frame.maximumLength) characters"
        case .unplugged: "the scanner was unplugged"
        case .unknownKey: "a key was not understood; check the station's keyboard layout"
        }
    }
}
