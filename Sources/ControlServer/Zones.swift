import Barcodes
import FoundationEssentials
import Synchronization

/// Time zones by name, each read once.
final class Zones: Sendable {
    private let known = Mutex<[String: TimeZoneRules]>(["UTC": .utc])

    /// The rules of a zone; UTC where the system does not know it.
    func rules(_ name: String) -> TimeZoneRules {
        if let rules = known.withLock({ $0[name] }) { return rules }
        var rules = TimeZoneRules.utc
        if !name.contains(".."), let data = try? Data(contentsOf: URL(filePath: "/usr/share/zoneinfo/\(name)")) {
            rules = (try? TimeZoneRules(Array(data))) ?? .utc
        }
        known.withLock { $0[name] = rules }
        return rules
    }
}

extension TimeZoneRules {
    /// When a day (counted from 1970-01-01) begins there, in milliseconds since 1970.
    func midnight(day: Int64) -> Int64 {
        let utc = day * 86_400
        let near = utc - Int64(offset(atUnixSeconds: utc))
        return (utc - Int64(offset(atUnixSeconds: near))) * 1_000
    }
}
