import FoundationEssentials
import Glibc

/// A file that is needed while something is done, such as a copy of the ledger that is verified, and is gone afterwards.
///
/// It is locked for as long as somebody works with it. One that a stop left behind is not, and goes before the next one
/// is made.
final class WorkingCopy {
    /// What it is made for.
    enum Purpose: String { case backup, copy = "verify-copy", verify, restore }

    let path: String
    private let descriptor: Int32
    private var isKept = false
    private static let (prefix, suffix) = ("traveler-", ".working.db")
    /// SQLite's files beside a database.
    private static let companions = ["-wal", "-shm", "-journal"]
    /// What is left free on a disk beside a copy: stations go before it.
    private static let reserve: Int64 = 64 << 20

    /// Makes an empty one, readable by its owner only, in the first of some directories that has room for it.
    /// - Parameter size: how many bytes it will have.
    init(for purpose: Purpose, in directories: [String], size: Int64) throws {
        let name =
            "\(Self.prefix)\(purpose.rawValue)-\(String(UInt64.random(in: .min ... .max), radix: 16))\(Self.suffix)"
        var problem = StorageError(.other, "there is no directory for a copy of the ledger")
        for directory in directories {
            Self.sweep(directory)
            if let free = freeBytes(directory), free < size + Self.reserve {
                problem = StorageError(
                    .full,
                    "cannot copy the ledger to \(directory): that takes \((size + Self.reserve) >> 20) MB, and \(free >> 20) MB are free; free some space"
                )
                continue
            }
            let path = directory + "/" + name
            let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else {
                let code = errno
                problem = StorageError(
                    code == ENOSPC || code == EDQUOT ? .full : .readOnly,
                    "cannot make the file \(path): \(String(cString: strerror(code)))")
                continue
            }
            flock(descriptor, LOCK_EX | LOCK_NB)
            (self.path, self.descriptor) = (path, descriptor)
            return
        }
        throw problem
    }

    deinit {
        if !isKept { Self.remove(path) }
        close(descriptor)
    }

    /// Brings it to the disk and gives it the name under which it stays.
    func keep(as name: String) throws {
        guard fsync(descriptor) == 0, rename(path, name) == 0 else {
            throw StorageError(.other, "cannot rename \(path): \(String(cString: strerror(errno)))")
        }
        isKept = true
    }

    /// Belongs to a user, as the directory that it is in does.
    func takeOwner(of directory: String) {
        var owner = stat()
        if geteuid() == 0, stat(directory, &owner) == 0 { fchown(descriptor, owner.st_uid, owner.st_gid) }
    }

    /// Removes those of a directory that nobody works with.
    ///
    /// - Parameter isLedgers: whether it is the directory of a ledger, whose lock the caller holds; then those of earlier
    ///   versions go, too, which were not locked.
    static func sweep(_ directory: String, isLedgers: Bool = false) {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? [] {
            let base = companions.first { name.hasSuffix($0) }.map { String(name.dropLast($0.count)) } ?? name
            let isOurs = base.hasPrefix(prefix) && base.hasSuffix(suffix)
            guard isOurs || isLedgers && isEarlier(base) else { continue }
            let path = directory + "/" + base
            let descriptor = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC)
            if descriptor >= 0 {
                if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { remove(path) }
                close(descriptor)
            } else if errno == ENOENT {
                unlink(directory + "/" + name)
            }
        }
    }

    private static func isEarlier(_ name: String) -> Bool {
        if name == Ledger.fileName + ".restoring" { return true }
        guard name.hasPrefix("verify-"), name.hasSuffix(".db") else { return false }
        let number = name.dropFirst("verify-".count).dropLast(3)
        return !number.isEmpty && number.drop { !$0.isNumber }.allSatisfy(\.isNumber)
            && ["", "copy-", "older-"].contains(String(number.prefix { !$0.isNumber }))
    }

    private static func remove(_ path: String) {
        for companion in companions + [""] { unlink(path + companion) }
    }
}

/// How many bytes a user can still write to the disk of a path; nil where the system doesn't say.
func freeBytes(_ path: String) -> Int64? {
    var disk = statvfs()
    guard statvfs(path, &disk) == 0 else { return nil }
    return Int64(clamping: UInt64(disk.f_bavail) * UInt64(disk.f_frsize))
}

/// The size of a file; 0 where there is none.
func fileSize(_ path: String) -> Int64 {
    var status = stat()
    return stat(path, &status) == 0 ? Int64(status.st_size) : 0
}

/// How many bytes a copy of a ledger has, with what is still in its log.
func ledgerSize(_ path: String) -> Int64 { fileSize(path) + fileSize(path + "-wal") }

/// Where copies go that the ledger's own disk has no room for.
let temporaryDirectory = getenv("TMPDIR").map { String(cString: $0) } ?? "/var/tmp"
