<?php

// Laravel's DatabaseSessionHandler, on SQLite.

require_once 'Illuminate/Session/autoload.php';
require_once 'Illuminate/Database/autoload.php';

use Illuminate\Database\Capsule\Manager;
use Illuminate\Session\DatabaseSessionHandler;

return [
    'name' => 'Laravel DatabaseSessionHandler',
    'version' => '8.83',
    'capabilities' => ['persistent' => true, 'shared' => true, 'other_storage' => true],
    'operations' => [],
    'hooks' => ['second-process'],
    'life' => 20160 * 60, // a setting of the site; here, that of the suite's sessions: two weeks
    'renewed' => true, // it remembers whether the session of its request exists
    'open' => function (string $dir, bool $fresh) {
        $file = "$dir/sessions.sqlite";
        if ($fresh && file_exists($file)) {
            unlink($file);
        }
        touch($file);
        $manager = new Manager();
        $manager->addConnection(['driver' => 'sqlite', 'database' => $file]);
        if ($fresh) {
            $manager->getConnection()->statement(
                'CREATE TABLE sessions (id TEXT PRIMARY KEY, user_id INTEGER, ip_address TEXT, user_agent TEXT,'
                . ' payload TEXT, last_activity INTEGER)'
            );
        }
        // In minutes.
        return new DatabaseSessionHandler($manager->getConnection(), 'sessions', 20160);
    },
];
