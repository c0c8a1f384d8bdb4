"""What is tried in the guest. A scenario is a function; its name says what it proves."""
from . import package, pairing, printers, restarts, scanners, speed

SCENARIOS = [
    package.known_devices_belong_to_the_daemon,
    package.the_sandbox_is_in_force,
    pairing.a_scanner_is_paired_by_a_code,
    scanners.identical_scanners_never_mix,
    scanners.a_scanner_is_unplugged_a_hundred_times,
    scanners.a_scanner_is_unplugged_while_it_reads,
    scanners.unbound_keyboards_are_left_alone,
    scanners.keys_are_lost_while_the_daemon_stands_still,
    scanners.the_daemon_goes_on_in_the_middle_of_a_scan,
    scanners.more_happens_than_udev_can_tell,
    scanners.a_serial_scanner_is_bound_by_its_serial_number,
    scanners.a_scanner_in_hid_pos_mode_sends_reports,
    scanners.a_bluetooth_scanner_sleeps_and_wakes,
    scanners.a_scanner_shows_what_came_of_a_scan,
    printers.a_label_arrives_whole,
    printers.the_paper_runs_out,
    printers.the_head_is_open_or_the_printer_paused,
    printers.a_printer_is_unplugged_while_it_prints,
    printers.another_program_holds_the_printer,
    printers.identical_printers_are_told_apart_by_port,
    restarts.bindings_outlive_a_reboot,
    restarts.answered_scans_outlive_a_power_cut,
    speed.how_long_an_answer_takes,
    speed.how_fast_a_scanner_may_type,
]
