public import Tracking

/// A minute in which a scanner that nobody owns becomes a station's, by reading a code that only that station shows.
public struct Pairing: Sendable, Equatable {
    /// How long a code counts, in milliseconds.
    public static let lifetime: Int64 = 60_000

    /// By what the scanner is to be known from then on.
    public enum Key: String, Sendable, CaseIterable {
        /// The place where it is plugged in.
        case port
        /// Its serial number.
        case serial
    }

    /// What became of it.
    public enum State: Sendable, Equatable {
        /// No scanner has read the code yet.
        case waiting
        /// The scanner at this address is the station's, and types in this layout.
        case paired(DeviceAddress, layout: String)
        /// The minute is over.
        case expired
        /// A scanner has read the code and could not be bound: why, and what to do.
        case failed(String)
    }

    /// Name of the station.
    public let station: String
    /// What the scanner has to read. A letter on different keys of different layouts, and digits, so that what is read also
    /// tells the layout, and the bars fit on a terminal of 80 columns.
    public let code: String
    /// By what it is to be known; nil for its port, or its serial number where it has no port.
    public let key: Key?
    /// Who asked for it.
    public let access: Access
    /// When the code stops to count, by the daemon's steady clock.
    public let expiresAt: Int64
    /// What became of it.
    public internal(set) var state = State.waiting
    /// A scanner has read the code, and is being bound.
    var isTaken = false

    init(station: String, key: Key?, access: Access, at now: Int64) {
        (self.station, self.key, self.access) = (station, key, access)
        code = "Z" + String((0..<10).map { _ in Character(String(Int.random(in: 0...9))) })
        expiresAt = now + Self.lifetime
    }

    /// Ends it, if it still waits. The minute may be over while a scanner that read the code in time is being bound: what
    /// comes of that is the end.
    mutating func end(_ end: State) {
        guard state == .waiting, end != .expired || !isTaken else { return }
        state = end
    }
}
