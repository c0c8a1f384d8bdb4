import CLinux
import Dispatch
import FoundationEssentials
import Glibc
import Synchronization

/// Who the users at the other ends of connections are.
///
/// The kernel names the user of a connection; its login and groups come from the system's user database, which may ask a
/// directory service. What it said is kept for a few seconds.
public final class Peers: Sendable {
    /// Members of this group are admins.
    public static let adminGroup = "traveler-admin"
    private static let lifetime = Duration.seconds(5)

    private struct Known {
        var caller: Caller
        var until: ContinuousClock.Instant
    }
    private let known = Mutex<[UInt32: Known]>([:])
    private let queue = DispatchQueue(label: "traveler.control.users", attributes: .concurrent)
    private let adminGroup: String
    private let overflowUser: UInt32

    /// - Parameter adminGroup: name of the Unix group whose members are admins.
    public init(adminGroup: String = Peers.adminGroup) {
        self.adminGroup = adminGroup
        overflowUser = Self.overflowUser
    }

    /// The user to which the kernel maps those of other namespaces that it can't name here: anybody.
    private static var overflowUser: UInt32 {
        let text = (try? String(contentsOf: URL(filePath: "/proc/sys/kernel/overflowuid"), encoding: .utf8)) ?? ""
        return UInt32(text.filter(\.isNumber)) ?? 65_534
    }

    /// Who has this user id, where that was looked up just before.
    func known(uid: UInt32?) -> Caller? {
        guard let uid else { return Caller(uid: nil, login: nil, isAdmin: false) }
        guard let known = known.withLock({ $0[uid] }), known.until > .now else { return nil }
        return known.caller
    }

    /// Who has this user id; nil is nobody.
    public func caller(uid: UInt32?) async -> Caller {
        if let known = known(uid: uid) { return known }
        guard let uid else { return Caller(uid: nil, login: nil, isAdmin: false) }
        let caller = await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: self.lookUp(uid)) }
        }
        known.withLock { known in
            if known.count >= 1_000 { known.removeAll() }
            known[uid] = Known(caller: caller, until: .now + Self.lifetime)
        }
        return caller
    }

    private func lookUp(_ uid: UInt32) -> Caller {
        guard uid != overflowUser else { return Caller(uid: uid, login: nil, isAdmin: false) }
        var name = [CChar](repeating: 0, count: 257)
        var login: String?
        if linux_login_name(uid, &name, name.count) >= 0 {
            login = String(validating: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
        let isAdmin = uid == 0 || uid == geteuid() || linux_is_member(uid, adminGroup) == 1
        return Caller(uid: uid, login: login, isAdmin: isAdmin)
    }
}
