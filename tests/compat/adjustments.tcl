# Read after the suite's own tests/support/test.tcl.

# Redis 8 keeps short lists, and short sets of text, as listpacks, where 7.0 had one encoding for every list and
# the hash table for every set of text. A test that names the old encoding accepts the new one.
proc assert_encoding {expected key} {
    if {$::ignoreencoding} {
        return
    }
    set found [r object encoding $key]
    if {$found eq "listpack"} {
        set type [r type $key]
        if {($expected eq "quicklist" && $type eq "list") || ($expected eq "hashtable" && $type eq "set")} {
            return
        }
    }
    assert_match $expected $found
}

# The suite waits two minutes for a server that has ended at once, because of an option that it refuses.
rename wait_server_started wait_for_start
proc wait_server_started {config_file stdout pid} {
    while {1} {
        set alive [process_is_alive $pid]
        if {[regexp -- " PID: $pid|Failed listening on port" [exec cat $stdout]]} {
            return [wait_for_start $config_file $stdout $pid]
        }
        if {!$alive} {
            start_server_error $config_file "the server ended at once"
            return 0
        }
        after 100
    }
}
