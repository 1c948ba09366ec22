<?php

// Laravel's DatabaseSessionHandler: a session lives as long as the site says when it is read, not when it was stored.

require_once 'Illuminate/Session/autoload.php';
require_once 'Illuminate/Database/autoload.php';

use Illuminate\Database\Capsule\Manager;
use Illuminate\Session\DatabaseSessionHandler;

$manager = new Manager();
$manager->addConnection(['driver' => 'sqlite', 'database' => ':memory:']);
$database = $manager->getConnection();
$database->statement('CREATE TABLE sessions (id TEXT PRIMARY KEY, payload TEXT, last_activity INTEGER)');
(new DatabaseSessionHandler($database, 'sessions', 10))->write('alice', 'data');
$database->table('sessions')->update(['last_activity' => time() - 11 * 60]);
$short = (new DatabaseSessionHandler($database, 'sessions', 10))->read('alice');
$long = (new DatabaseSessionHandler($database, 'sessions', 20))->read('alice');
if ($short !== '' || $long !== 'data') {
    exit(1);
}
echo "stored for 10 minutes, and read after 11: gone for a site that says 10, found for one that says 20\n";
