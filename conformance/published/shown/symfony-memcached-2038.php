<?php

// Symfony's MemcachedSessionHandler: a session that would end after January 2038 is gone at once.

require_once 'Symfony/Component/HttpFoundation/autoload.php';

use Symfony\Component\HttpFoundation\Session\Storage\Handler\MemcachedSessionHandler;

$port = 20000 + getmypid() % 20000;
$null = ['file', '/dev/null', 'r+'];
$server = proc_open(['memcached', '-p', "$port", '-l', '127.0.0.1', '-u', 'root'], [$null, $null, $null], $pipes);
usleep(300_000);
$memcached = new Memcached();
$memcached->addServer('127.0.0.1', $port);
$handler = new MemcachedSessionHandler($memcached);
$stored = $found = [];
foreach (['2038-01-01', '2038-02-01'] as $end) {
    ini_set('session.gc_maxlifetime', (string) (strtotime($end) - time()));
    $stored[] = $handler->write('alice', 'data');
    $found[] = $handler->read('alice');
}
proc_terminate($server);
if ($stored !== [true, true] || $found !== ['data', '']) {
    fwrite(STDERR, json_encode([$stored, $found]));
    exit(1);
}
echo "a session until 2038-01-01 is found; one until 2038-02-01 is not, and write answered true\n";
