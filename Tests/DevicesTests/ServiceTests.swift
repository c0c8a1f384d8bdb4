import CLinux
import Devices
import Glibc
import Testing

@Suite("What systemd is told")
struct SystemNotifyTests {
    private let scratch = Scratch()

    @Test("every message, over a path and over an abstract name", arguments: [false, true])
    func messages(isAbstract: Bool) throws {
        let name = isAbstract ? "@traveler-test-\(getpid())" : scratch("notify")
        let systemd = try #require(NotifySocket(name))
        let notify = SystemNotify { $0 == "NOTIFY_SOCKET" ? name : nil }
        notify.status("2 stations\nREADY=1")
        #expect(systemd.next() == "STATUS=2 stations READY=1")
        notify.ready()
        #expect(systemd.next() == "READY=1")
        notify.watchdog()
        #expect(systemd.next() == "WATCHDOG=1")
        notify.reloading()
        #expect(systemd.next()?.wholeMatch(of: /RELOADING=1\nMONOTONIC_USEC=[0-9]+/) != nil)
        notify.stopping()
        #expect(systemd.next() == "STOPPING=1")
        #expect(systemd.next() == nil)
    }

    @Test(
        "without a socket, or with one that is gone, nothing happens",
        arguments: [nil, "", "relative", "/nonexistent/socket"])
    func nobody(socket: String?) {
        SystemNotify { $0 == "NOTIFY_SOCKET" ? socket : nil }.ready()
        SystemNotify { $0 == "NOTIFY_SOCKET" ? "/" + String(repeating: "x", count: 200) : nil }.ready()
    }

    @Test("the watchdog's interval, if it is this process that is watched")
    func watchdog() {
        func interval(_ environment: [String: String]) -> Duration? {
            SystemNotify { environment[$0] }.watchdogInterval
        }
        #expect(interval(["WATCHDOG_USEC": "30000000"]) == .seconds(30))
        #expect(interval(["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "\(getpid())"]) == .seconds(30))
        #expect(interval(["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"]) == nil)
        #expect(interval(["WATCHDOG_USEC": "0"]) == nil)
        #expect(interval(["WATCHDOG_USEC": "soon"]) == nil)
        #expect(interval([:]) == nil)
    }
}

@Suite("The state directory's lock")
struct DaemonLockTests {
    private let scratch = Scratch()

    @Test("a second daemon is told who was first; when the first is gone it gets the directory")
    func twice() throws {
        do {
            let first = try DaemonLock(directory: scratch.path)
            let failure = try #require(throws: DaemonLock.Failure.self) { try DaemonLock(directory: scratch.path) }
            #expect(failure.isHeld)
            #expect(
                failure.description
                    == "cannot start: another travelerd (pid \(getpid())) already uses \(scratch.path)")
            withExtendedLifetime(first) {}
        }
        _ = try DaemonLock(directory: scratch.path)
    }

    @Test("no directory, and a link in place of the lock")
    func unusable() throws {
        let missing = try #require(throws: DaemonLock.Failure.self) { try DaemonLock(directory: scratch("gone")) }
        #expect(!missing.isHeld)
        scratch.write("file", "before")
        symlink(scratch("file"), scratch("travelerd.lock"))
        let link = try #require(throws: DaemonLock.Failure.self) { try DaemonLock(directory: scratch.path) }
        #expect(link.description.hasSuffix("it is a link"))
        #expect(scratch.read("file") == "before")
    }
}

@Suite("Who is asking")
struct PeerTests {
    @Test("the kernel names the process at the other end of a socket")
    func credentials() {
        var pair: [Int32] = [0, 0]
        socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair)
        defer { pair.forEach { close($0) } }
        var peer = linux_peer()
        #expect(linux_peer_credentials(pair[0], &peer) == 0)
        #expect(peer.pid == getpid())
        #expect(peer.uid == getuid())
        #expect(peer.gid == getgid())
        #expect(linux_peer_credentials(-1, &peer) == -EBADF)
    }

    @Test("login names")
    func logins() {
        var name = [CChar](repeating: 0, count: 64)
        #expect(linux_login_name(0, &name, name.count) == 0)
        #expect(String(buffer: name) == "root")
        #expect(linux_login_name(0, &name, 4) == -ERANGE)
        #expect(linux_login_name(3_999_999_999, &name, name.count) == -ENOENT)
    }

    @Test("groups: primary, supplementary, none")
    func groups() {
        #expect(linux_is_member(0, "root") == 1)
        #expect(linux_is_member(0, "daemon") == 0)
        #expect(linux_is_member(0, "no-such-group") == 0)
        #expect(linux_is_member(3_999_999_999, "root") == 0)
        for entry in supplementaryMembers() { #expect(linux_is_member(entry.uid, entry.group) == 1, "\(entry)") }
    }

    /// Whatever supplementary memberships this machine's `/etc/group` has.
    private func supplementaryMembers() -> [(uid: uid_t, group: String)] {
        var members: [(uid_t, String)] = []
        setgrent()
        defer { endgrent() }
        while let entry = getgrent() {
            var name = entry.pointee.gr_mem
            while let member = name?.pointee {
                if let user = getpwnam(member) {
                    members.append((user.pointee.pw_uid, String(cString: entry.pointee.gr_name)))
                }
                name = name?.successor()
            }
        }
        return members
    }
}
