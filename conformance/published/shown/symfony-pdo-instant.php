<?php

// Symfony's PdoSessionHandler: at the very second of its end a session is still there; a second later it is not.

namespace Symfony\Component\HttpFoundation\Session\Storage\Handler;

require_once 'Symfony/Component/HttpFoundation/autoload.php';

$now = 1_900_000_000;

function time(): int
{
    return $GLOBALS['now'];
}

$handler = new PdoSessionHandler(new \PDO('sqlite::memory:', options: [\PDO::ATTR_ERRMODE => \PDO::ERRMODE_EXCEPTION]), ['lock_mode' => 0]);
$handler->createTable();
ini_set('session.use_cookies', '0');
ini_set('session.gc_maxlifetime', '10');
$handler->open('', 'id');
$handler->write('alice', 'data');
$now += 10;
$at = $handler->read('alice');
$now += 1;
$after = $handler->read('alice');
if ($at !== 'data' || $after !== '') {
    exit(1);
}
echo "at its end: found; a second later: not found\n";
