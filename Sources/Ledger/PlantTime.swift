import Barcodes
import FoundationEssentials

/// The plant's time zone, from the system's zone files.
enum PlantTime {
    static func rules(_ name: String) throws -> TimeZoneRules {
        if name == "UTC" { return .utc }
        guard !name.contains("..") else { throw StorageError(.other, "there is no time zone \(name)") }
        do {
            let data = try Data(contentsOf: URL(filePath: "/usr/share/zoneinfo/\(name)"))
            return try TimeZoneRules(Array(data))
        } catch {
            throw StorageError(
                .other, "cannot read the time zone \(name): install the package tzdata, or correct settings.timezone")
        }
    }

    /// Whole seconds of a time in milliseconds, also before 1970.
    static func seconds(_ milliseconds: Int64) -> Int64 {
        milliseconds >= 0 ? milliseconds / 1_000 : (milliseconds - 999) / 1_000
    }
}
