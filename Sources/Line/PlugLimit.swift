import Tracking

/// That a device of a station came or went.
struct Plug: Sendable, Hashable {
    var device: DeviceAddress
    var station: String
    var isConnected: Bool
    /// What came, or why it went.
    var note: String
}

/// Keeps the record of a device with a loose contact short: in each minute so many changes are recorded one by one, and
/// the rest of them as one, with the state in the end and their number.
struct PlugLimit {
    /// How long changes are counted, in milliseconds.
    static let window: Int64 = 60_000
    /// How many of them are recorded one by one.
    static let changes = 20

    private struct Place: Hashable {
        var device: DeviceAddress
        var station: String
    }

    private struct Count {
        let end: Int64
        var changes = 0
        var last: Plug?
    }

    private var counts: [Place: Count] = [:]

    /// When the next of the held changes is to be recorded.
    var due: Int64? { counts.values.compactMap { $0.last == nil ? nil : $0.end }.min() }

    /// Takes a change; gives it back if it is to be recorded now.
    mutating func take(_ plug: Plug, at now: Int64) -> Plug? {
        let place = Place(device: plug.device, station: plug.station)
        var count = counts[place] ?? Count(end: now + Self.window)
        if count.last == nil, now >= count.end { count = Count(end: now + Self.window) }
        count.changes += 1
        if count.changes > Self.changes { count.last = plug }
        counts[place] = count
        return count.last == nil ? plug : nil
    }

    /// Gives the last of the changes that were held, where their minute is over; at the end, all of them.
    mutating func release(at now: Int64) -> [Plug] {
        let over = counts.filter { $0.value.end <= now }
        for place in over.keys { counts[place] = nil }
        return over.values.compactMap { count in
            guard var plug = count.last else { return nil }
            let number = count.changes - Self.changes
            if number > 1 { plug.note += "; the last of \(number) changes in a short time, look at its contacts" }
            return plug
        }
    }
}
