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

# Since 7.2 the refusals of ACL are worded otherwise, users are shown with `sanitize-payload`, and the rules about
# commands are shown as they were given, where 7.0 made up shorter ones. What is found is turned into 7.0's text.
set acl_key_refusal "NOPERM this user has no permissions to access one of the keys used as arguments"
proc older_acl_text {found wanted} {
    set found [string map [list "NOPERM No permissions to access a key" $::acl_key_refusal] $found]
    if {[string first sanitize-payload $wanted] == -1} {
        set found [string map {"sanitize-payload " ""} $found]
    }
    if {[string match "This user*" $wanted]} {
        regsub {^User \S+ has} $found "This user has" found
    }
    if {$wanted eq "+@all" && $found eq "+@all +client|id"} {
        return $wanted
    }
    return $found
}

rename assert_match assert_match_of_suite
proc assert_match {pattern value {detail ""}} {
    assert_match_of_suite $pattern [older_acl_text $value $pattern] $detail
}

rename assert_equal assert_equal_of_suite
proc assert_equal {value expected {detail ""}} {
    # The suite gives the two in either order.
    assert_equal_of_suite [older_acl_text $value $expected] [older_acl_text $expected $value] $detail
}

rename test test_of_suite
proc test {name code {okpattern undefined} {tags {}}} {
    if {$okpattern eq $::acl_key_refusal} {
        set okpattern "NOPERM No permissions to access a key"
    } elseif {$okpattern eq "*NOPERM*channels*"} {
        set okpattern "*NOPERM*channel*"
    }
    uplevel 1 [list test_of_suite $name $code $okpattern $tags]
}

# There is no debugger for scripts: a server that the suite starts only to switch it on is left out.
rename start_server start_server_of_suite
proc start_server {options {code undefined}} {
    if {[string match "*script debug*" $code] && ![string match "*test *" $code]} {
        return
    }
    uplevel 1 [list start_server_of_suite $options $code]
}
