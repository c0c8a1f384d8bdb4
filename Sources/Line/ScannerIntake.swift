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
        /// No station of the plant owns the device any more.
        case unbound
    }

    private struct Arrival: Sendable {
        var frame: Frame
        var device: DeviceAddress
        var readAt: Moment
    }

    private let ledger: Ledger
    private let told: @Sendable (Outcome, DeviceAddress) -> Void
    private let lanes = Mutex<[String: AsyncStream<Arrival>.Continuation]>([:])

    /// - Parameter told: called after each frame, in order for each station.
    public init(ledger: Ledger, told: @escaping @Sendable (Outcome, DeviceAddress) -> Void) {
        (self.ledger, self.told) = (ledger, told)
    }

    deinit {
        lanes.withLock { $0.values.forEach { $0.finish() } }
    }

    /// Takes a frame from a device; returns at once.
    public func take(_ frame: Frame, from device: DeviceAddress) {
        guard let station = ledger.plant.station(ofScanner: device)?.name else { return told(.unbound, device) }
        let arrival = Arrival(frame: frame, device: device, readAt: ledger.now)
        let lane = lanes.withLock { lanes in
            if let lane = lanes[station] { return lane }
            let (stream, continuation) = AsyncStream.makeStream(of: Arrival.self)
            lanes[station] = continuation
            Task { [ledger, told] in
                for await arrival in stream {
                    told(await Self.record(arrival, at: station, in: ledger), arrival.device)
                }
            }
            return continuation
        }
        lane.yield(arrival)
    }

    private static func record(_ arrival: Arrival, at station: String, in ledger: Ledger) async -> Outcome {
        let (frame, device) = (arrival.frame, arrival.device.description)
        var scan =
            switch frame.outcome {
            case .complete: Scan(station: station, text: frame.text, code: Code(frame: frame.text))
            case .broken(let why): Scan(station: station, text: frame.text, broken: why.sentence)
            }
        scan.readAt = arrival.readAt
        do {
            return .answered(try await ledger.scan(scan, by: .device(device), device: device))
        } catch {
            return .lost(station: station, error)
        }
    }
}

extension Frame.Broken {
    /// What happened, for the operator.
    var sentence: String {
        switch self {
        case .pause: "it stopped in the middle, or is the rest of one that did"
        case .dropped: "keys were lost"
        case .tooLong: "it is longer than \(Frame.maximumLength) characters"
        case .unplugged: "the scanner was unplugged"
        case .unknownKey: "a key was not understood; check the station's keyboard layout"
        }
    }
}
